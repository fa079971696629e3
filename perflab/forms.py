from django import forms
from django.conf import settings


class DialForm(forms.Form):
    """An order to the worker dial."""

    action = forms.CharField(max_length=20)
    number = forms.IntegerField(min_value=1, max_value=1000)


class ResultForm(forms.Form):
    """What a browser has measured: a ratio of medians with its interval, and both queries."""

    ratio = forms.FloatField(min_value=0.0001, max_value=1_000_000)
    low = forms.FloatField(min_value=0, max_value=1_000_000)
    high = forms.FloatField(min_value=0, max_value=1_000_000)
    movies = forms.IntegerField(min_value=1)
    round_trip = forms.FloatField(min_value=0, max_value=settings.MAX_ROUND_TRIP_MS)
    slow_queries = forms.IntegerField(min_value=0, max_value=1_000_000)
    fast_queries = forms.IntegerField(min_value=0, max_value=1_000_000)

    def clean(self):
        values = super().clean()
        if not self.errors and not values["low"] <= values["ratio"] <= values["high"]:
            raise forms.ValidationError("The ratio lies outside its interval.")
        if not self.errors and values["movies"] > settings.MAX_MOVIES:
            raise forms.ValidationError("That many rows are on no page.")
        return values
