"""The forms of the pages, which check what a visitor sends."""

from django import forms
from django.conf import settings

from perflab.base.config import MAX_THREADS
from perflab.base.numbers import whole_number, whole_numbers
from perflab.catalogue import collection
from perflab.load import plan, scenarios
from perflab.workers import control


class WholeNumberField(forms.CharField):
    """Read a whole number from `low` to `high`, checked as everywhere else; none is an error.

    `high` may be a function that returns the limit of the moment.
    """

    def __init__(self, low, high, **options):
        super().__init__(**options)
        self.low, self.high = low, high

    def to_python(self, value):
        text = super().to_python(value)
        try:
            high = self.high() if callable(self.high) else self.high
            return whole_number(text, self.low, high)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class OneLineForm(forms.Form):
    """A form that returns its first error as one line."""

    def problem(self):
        """Return what is wrong, in one line."""
        name, (line, *_) = next(iter(self.errors.items()))
        if name == "__all__":
            return line
        return f"{name} {line}" if line.startswith("must ") else f"{name}: {line}"


class DialForm(OneLineForm):
    """The number of workers to add, to remove or to have."""

    action = forms.CharField(max_length=20, required=False)  # control names the actions
    number = WholeNumberField(1, control.max_workers)


class TurnForm(OneLineForm):
    """What a page does with the turn to play a story."""

    action = forms.ChoiceField(choices=[(name, name) for name in ("begin", "restart", "end")])
    turn = forms.RegexField("^[a-z0-9]{10,40}$")


class SeedForm(OneLineForm):
    """How many films the collection is to hold; `reset` replaces those that are there."""

    films = WholeNumberField(1, lambda: collection.most_films())
    reset = forms.BooleanField(required=False)


MOST = 1e12  # the upper end of an interval of very few rounds


class ResultForm(forms.Form):
    """Check what a browser has measured: a ratio with its interval, the headline, the machine.

    It is for a run that is judged: with more rows than there are, there is no result to keep. The
    words of the headline (compare/headline.py) are kept as they are sent. `other_cores` is what
    other programs kept busy meanwhile; `check_…` is the last check of the machine, a variant
    against itself.
    """

    ratio = forms.FloatField(min_value=0.0001, max_value=1_000_000)
    low = forms.FloatField(min_value=0, max_value=1_000_000)
    high = forms.FloatField(min_value=0, max_value=MOST)
    movies = WholeNumberField(1, lambda: settings.MAX_MOVIES)
    round_trip = forms.FloatField(min_value=0, max_value=settings.MAX_ROUND_TRIP_MS)
    big = forms.CharField(max_length=200)
    small = forms.CharField(max_length=100, required=False)
    best = forms.CharField(max_length=200, required=False)
    other_cores = forms.FloatField(min_value=0, max_value=10_000, required=False)
    check_ratio = forms.FloatField(min_value=0.0001, max_value=1_000_000, required=False)
    check_low = forms.FloatField(min_value=0, max_value=1_000_000, required=False)
    check_high = forms.FloatField(min_value=0, max_value=MOST, required=False)

    def __init__(self, experiment, *args):
        super().__init__(*args)
        self.experiment = experiment

    def clean(self):
        values = super().clean()
        if self.errors:
            return values
        if not values["low"] <= values["ratio"] <= values["high"]:
            raise forms.ValidationError("The ratio lies outside its interval.")
        there = collection.most_rows(self.experiment)
        if there is not None and values["movies"] > there:
            raise forms.ValidationError(f"There are only {there:,} {self.experiment.rows}.")
        return values


class LoadForm(OneLineForm):
    """A load run that a page may start. It is short, since its visitor waits for it."""

    MAX_USERS = 100
    SECONDS = 2, 20  # the limits for one point
    MAX_S = 120  # the limit for all points together
    VARIANTS = {"": (), "slow": ("slow",), "fast": ("fast",), "both": scenarios.VARIANTS}

    scenario = forms.CharField(max_length=60)
    variant = forms.ChoiceField(choices=[(name, name) for name in VARIANTS], required=False)
    users = forms.CharField(max_length=60)
    workers = forms.CharField(max_length=60)
    threads = forms.CharField(max_length=60, required=False, empty_value="1")
    seconds = WholeNumberField(*SECONDS)

    def clean(self):
        values = super().clean()
        if self.errors:
            return values
        most = {"users": self.MAX_USERS, "workers": control.max_workers(), "threads": MAX_THREADS}
        try:
            chosen = {name: self.numbers(name, limit) for name, limit in most.items()}
            load_plan = plan.Plan(
                scenario=values["scenario"],
                variants=self.VARIANTS[values["variant"]],
                duration_s=values["seconds"],
                **chosen,
            )
            scenarios.check(load_plan)
        except plan.LoadRefused as refused:
            raise forms.ValidationError(str(refused)) from refused
        all_s = len(scenarios.point_setups(load_plan)) * load_plan.duration_s
        if all_s > self.MAX_S:
            raise forms.ValidationError(
                f"all points together take {all_s:g} s, a run of this page at most {self.MAX_S} s: "
                "use the command"
            )
        return values

    def numbers(self, name, most):
        """Return the whole numbers in a field. Raises LoadRefused."""
        try:
            return whole_numbers(self.cleaned_data[name], 1, most)
        except ValueError as error:
            raise plan.LoadRefused(f"{name} {error}") from error

    def arguments(self):
        """Return the arguments of `manage.py load` that ask for the same."""
        values = self.cleaned_data
        named = [f"--{name}={values[name]}" for name in ("users", "workers", "threads")]
        variant = [f"--{values['variant']}"] if values["variant"] else []
        return [values["scenario"], *named, f"--duration={values['seconds']}s", *variant]
