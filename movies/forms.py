from django import forms


class VisitorForm(forms.Form):
    """The name with which the lab should greet a visitor."""

    name = forms.CharField(
        label="Your name",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
