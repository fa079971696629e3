"""What an experiment is, and the list of them all.

An experiment is one module with views and one name, `experiment`. Its docstring is the explanation
that its page shows. A package of experiments lists its modules in teaching order:

    register(__name__, ["n_plus_one", "cache_page"])
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from inspect import cleandoc
from math import ceil
from typing import Any, TypeVar

import django
from django.db import connection

from . import needs

ACTS = {"measure": "Measure first", "more": "Do more", "less": "Do less"}
TOPICS = (  # what goes wrong in a site: the headings of the contents, in their order
    "Too many queries",
    "Queries that do too much",
    "Indexes: missing, unused, too many",
    "Slow and lost writes",
    "Waiting for others",
    "The same work at every visit",
    "A cache that helps little, or answers wrong",
    "Which cache",
    "Slow Python, large answers",
    "All of it, step by step",
)
DEFAULT_MOVIES = 100
# In which a lesson shows itself.
FIGURES = ("queries", "time", "cpu_time", "bytes", "memory", "cache_calls", "correctness")
CLOCKS = ("server", "client")  # the server's ends with the first byte, the client's with the last
BODIES = ("html", "json", "lines")  # a page, an object with a list of rows, a line for each row
READINGS = ("answer", "computed", "queries", "workers", "waits")  # what a story reads
# What makes an answer of a story right, and how its page says it.
TRUTHS = {
    "greeting": "An answer is right if it greets the visitor who has asked.",
    "first": "An answer is right if it says what the first variant that caches nothing says at "
    "that moment.",
    "once": "A variant is right if in each step at most one request has to compute the page.",
    "counted": "A variant is right if it takes every vote and counts it.",
    "prompt": "A variant is right if nobody waits in the database for another visitor: the SQL of "
    "each page takes less than four fifths of the quickest page.",
}


@dataclass(frozen=True)
class Queries:
    """A number of queries as a function of the rows shown."""

    base: int
    per_row: int = 0  # one for each row is the N+1 bug
    batch: int = 0  # more for each started batch of so many rows
    per_batch: int = 1  # how many more

    def at(self, rows: int) -> int:
        """Return the number of queries for a page of so many rows."""
        batches = ceil(rows / self.batch) if self.batch else 0
        return self.base + self.per_row * rows + self.per_batch * batches

    def __str__(self) -> str:
        terms = [str(self.base)] if self.base else []
        if self.per_row:
            terms.append("N" if self.per_row == 1 else f"{self.per_row}N")
        if self.batch:
            terms.append(f"{self.per_batch if self.per_batch > 1 else ''}N/{self.batch}")
        return " + ".join(terms) or "0"


OfVendor = TypeVar("OfVendor")  # a promise, or a setting


def by_vendor(**choices: OfVendor) -> OfVendor:
    """Return what holds for the lab's database: `by_vendor(sqlite=…, postgresql=…)`."""
    return choices[connection.vendor]


def by_django(promises: dict[tuple[int, int], Queries]) -> Queries:
    """Return the promise for the lab's Django: `by_django({(5, 2): …, (6, 1): …})`.

    Each promise holds from its version on, until the next one that is named.
    """
    return promises[max(version for version in promises if version <= django.VERSION[:2])]


@dataclass(frozen=True)
class Choice:
    """A knob of one experiment alone: a number out of a few."""

    name: str  # of the argument by which the views take it
    label: str
    choices: tuple[int, ...]
    default: int


@dataclass(frozen=True)
class Setting:
    """A setting of the knobs at which a lesson shows, or does not show, and why."""

    movies: int = DEFAULT_MOVIES  # rows on the page
    round_trip: float = 0  # simulated, ms
    cache: str = ""  # "" leaves it to the lab
    own: dict[str, int] = field(default_factory=dict)  # knobs of the experiment's own, by name
    films: int = 0  # that the collection has to hold; 0: as many as it holds
    why: str = ""  # in a sentence

    def own_of(self, knobs: Iterable[Choice]) -> dict[str, int]:
        """Return the values of these knobs: the setting's, or else their defaults."""
        return {knob.name: self.own.get(knob.name, knob.default) for knob in knobs}


@dataclass(frozen=True)
class Step:
    """One line of a story, which the page plays for every variant."""

    sentence: str  # what happens, for the reader
    requests: int = 1  # how many requests are sent
    together: bool = False  # all at once, not one after the other
    burst: bool = False  # at once from connections that are open already: more than browsers open
    wait_s: float = 0  # how long the story waits before it
    visitor: str = ""  # who sends the requests from now on
    change: bool = False  # whether the variant's `change` is made before it
    changes: int = 1  # how many visitors make it, at the same moment
    # What is read from the answers: the text of the page's element with `data-answer`, how many of
    # them ran queries, that text and how many queries, the cache hits of each worker, or how long
    # they waited for the database (READINGS).
    read: str = "answer"


@dataclass(frozen=True)
class StoryData:
    """What a story changes: data that it reads when it begins and restores when it ends."""

    name: str  # of its file in `var/`; experiments that change the same data share one
    read: Callable[[], Any]  # returns what JSON can hold
    restore: Callable[[Any], None]  # takes what `read` returned


@dataclass(frozen=True)
class Variant:
    """One way to make the page, and what it promises."""

    name: str
    view: Callable[..., Any]  # takes the request, the rows, and the experiment's knobs by name
    queries: Queries  # expected of a cold cache
    warm: Queries | None = None  # expected of a warm cache; None where nothing is cached
    templates: tuple[str, ...] = ()  # shown beside the view, because the lesson lies in them
    also: tuple[Callable[..., Any], ...] = ()  # functions shown beside the view, which it calls
    middleware: tuple[str, ...] = ()  # dotted paths, as in MIDDLEWARE, around this view alone
    settings: str = ""  # the part of a settings.py that the view needs, shown ready to paste
    differs: str = ""  # why its page is not the first variant's; "" where it is
    cache: str = ""  # alias of the backend that the lesson fixes; "" leaves it to the knob
    revalidates: bool = False  # clients send the last ETag back, and `warm` is what a 304 takes
    change: Callable[..., Any] | None = None  # takes what the view takes; done by a POST
    reference: bool = False  # measured beside the ladder, and no part of it
    site_cache: int = 0  # seconds for which Django's cache middlewares keep the page
    site_cache_first: bool = False  # whether both stand first, against Django's documentation
    body: str = "html"  # how load scenarios read the answer (BODIES)
    event_loop: bool = False  # its view runs one of asyncio's, as each coroutine does

    def promise(self, warm: bool) -> Queries:
        """Return the queries that are expected of a warm or a cold cache."""
        return self.warm if warm and self.warm else self.queries


@dataclass(kw_only=True)
class Experiment:
    """A lesson: the same page made in two or more ways, from slow to fast."""

    title: str
    topic: str  # the heading under which the contents list it (TOPICS)
    remedy: str  # the fast way, as in "the join saves 100 queries"
    cost: str  # what the fast way costs
    docs: str  # address of a section of Django's documentation
    variants: tuple[Variant, ...]  # the ladder in its order, and variants for reference

    act: str = "less"  # a key of ACTS
    first_workshop: bool = False  # one of the twelve that a first workshop needs
    figure: str = "queries"  # in which the lesson shows itself (FIGURES)
    price: str = ""  # what the first variant has and the last has not, if that is what costs time
    clock: str = "server"  # whose time is compared (CLOCKS)
    needs: str = ""  # a database ("postgresql") or a Django ("django>=6.1") to run it on
    rows: str = "films"  # what a page's rows are called
    # A queryset's own `count` would run a query to be shown, so it is left out of the repr.
    count: Callable[[], int] | None = field(default=None, repr=False)  # rows there are; None: films
    lesson: Setting = Setting()  # at which the difference is plain; its page begins there
    not_at: Setting | None = None  # at which there is none to be measured, with the reason
    knobs: tuple[Choice, ...] = ()  # which no other experiment has
    story: tuple[Step, ...] = ()  # what happens, where the lesson is no matter of speed
    truth: str = ""  # what makes an answer of the story right (TRUTHS)
    story_data: StoryData | None = None  # what the variants' `change` changes

    slug: str = ""  # from the module's name, as the next two are from its docstring
    summary: str = ""
    explanation: str = ""

    @property
    def slow(self) -> Variant:
        """The first variant."""
        return self.variants[0]

    @property
    def ladder(self) -> tuple[Variant, ...]:
        """The variants that a reader climbs: all but those for reference."""
        return tuple(variant for variant in self.variants if not variant.reference)

    @property
    def fast(self) -> Variant:
        """The last variant of the ladder."""
        return self.ladder[-1]

    @property
    def caches(self) -> bool:
        """Whether a cache takes part, so that cold and warm differ."""
        return any(variant.warm and not variant.revalidates for variant in self.variants)

    @property
    def has_cache_choice(self) -> bool:
        """Whether the knob for the cache changes anything: some variant fixes no backend."""
        return not all(variant.cache for variant in self.ladder)

    @property
    def burst(self) -> int:
        """How many requests its story sends at once from open connections; 0 for no such step."""
        return max((step.requests for step in self.story if step.burst), default=0)

    @property
    def begins_with_story(self) -> bool:
        """Whether its page begins with the story, because the lesson is what is right."""
        return bool(self.story) and self.figure == "correctness"

    @property
    def figure_in_words(self) -> str:
        """The figure in which the lesson shows itself: "cache calls"."""
        return self.figure.replace("_", " ").replace("cpu", "CPU")

    @property
    def needs_in_words(self) -> str:
        """What it needs, such as "PostgreSQL" or "Django 6.1 or newer", or ""."""
        return needs.describe(self.needs)

    @property
    def runs_here(self) -> bool:
        """Whether this lab has what it needs."""
        return needs.are_met(self.needs)

    def variant(self, name: str) -> Variant:
        """Return the variant of that name; `slow` and `fast` name any ladder's ends too.

        Raises KeyError.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        return {"slow": self.slow, "fast": self.fast}[name]


experiments: dict[str, Experiment] = {}


def register(package: str, modules: list[str]) -> None:
    """Import a package's experiment modules and list them, by slug, in the order given."""
    for name in modules:
        module = import_module(f"{package}.{name}")
        experiment: Experiment = module.experiment
        experiment.slug = name.replace("_", "-")
        docstring = cleandoc(module.__doc__ or "")
        experiment.summary, _, experiment.explanation = docstring.partition("\n\n")
        try:
            refuse_unknown_words(experiment)
        except ValueError as error:
            raise ValueError(f"{module.__name__}: {error}") from None
        experiments[experiment.slug] = experiment


def refuse_unknown_words(experiment: Experiment) -> None:
    """Raise ValueError for a word of an experiment that means nothing to the lab."""
    words: list[tuple[str, Iterable[str]]] = [
        (experiment.act, ACTS),
        (experiment.topic, TOPICS),
        (experiment.figure, FIGURES),
        (experiment.clock, CLOCKS),
        *((variant.body, BODIES) for variant in experiment.variants),
        *((step.read, READINGS) for step in experiment.story),
    ]
    if experiment.story or experiment.truth:
        words.append((experiment.truth, TRUTHS))
    if not needs.is_known(experiment.needs):
        words.append((experiment.needs, needs.FORMS))
    for word, known in words:
        if word not in known:
            raise ValueError(f"{word!r} is none of {', '.join(known)}")
    for setting in filter(None, (experiment.lesson, experiment.not_at)):
        refuse_unknown_knobs(experiment, setting)


def refuse_unknown_knobs(experiment: Experiment, setting: Setting) -> None:
    """Raise ValueError for a setting of a knob that the experiment does not have."""
    choices = {knob.name: knob.choices for knob in experiment.knobs}
    for name, value in setting.own.items():
        if value not in choices.get(name, ()):
            raise ValueError(f"{name}={value} cannot be set")


def runnable() -> list[Experiment]:
    """Return the experiments that can be run on this lab, in teaching order."""
    return [experiment for experiment in experiments.values() if experiment.runs_here]


def get(slug: str) -> Experiment:
    """Return the experiment of that slug. Raises KeyError."""
    return experiments[slug]
