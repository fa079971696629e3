from django import forms


class VisitorForm(forms.Form):
    """What a visitor wants to be called."""

    name = forms.CharField(
        label="Your name",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
