"""What an experiment is, and the list of them all.

An experiment is one module with views and one name, `experiment`. Its docstring is the explanation
that its page shows. A package of experiments lists its modules in teaching order:

    register(__name__, ["n_plus_one", "cache_page"])
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from inspect import cleandoc
from math import ceil

from django.db import connection

ACTS = {"measure": "Measure first", "more": "Do more", "less": "Do less"}
FIGURES = ("queries", "time", "bytes", "memory")  # in which a lesson may show itself
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}  # by what Django calls their vendor
CLOCKS = ("server", "client")
BODIES = ("html", "json", "lines")  # a page, an object with a list of rows, a line for each row


@dataclass(frozen=True)
class Queries:
    """A number of queries as a function of the rows shown.

    `batch` adds one for each started batch of so many rows.
    """

    base: int
    per_row: int = 0
    batch: int = 0

    def at(self, rows: int) -> int:
        """The number of queries for a page of so many rows."""
        batches = ceil(rows / self.batch) if self.batch else 0
        return self.base + self.per_row * rows + batches

    def __str__(self):
        terms = [str(self.base)] if self.base else []
        if self.per_row:
            terms.append("N" if self.per_row == 1 else f"{self.per_row}N")
        if self.batch:
            terms.append(f"N/{self.batch}")
        return " + ".join(terms) or "0"


def by_vendor(**promises):
    """The promise that holds on the lab's database: `by_vendor(sqlite=…, postgresql=…)`."""
    return promises[connection.vendor]


@dataclass(frozen=True)
class Choice:
    """A knob of one experiment's own: a number out of a few, which its views take by its name."""

    name: str
    label: str
    choices: tuple[int, ...]
    default: int


@dataclass(frozen=True)
class Step:
    """One line of a story, played on the page for every variant: who asks, how often, and what is
    read from the answers.

    `asks` requests are sent one after the other, or all `together`; before that the story waits
    `wait_s` seconds, the asker becomes a `visitor` of that name, and with `change` the variant's
    own change is made. `read` is "shown" (the text of the page's element with `data-told`),
    "computed" (how many answers ran queries), "workers" (answers and cache hits of each worker),
    "queries", "bytes" or "status".
    """

    told: str
    asks: int = 1
    together: bool = False
    wait_s: float = 0
    visitor: str = ""
    change: bool = False
    read: str = "shown"


@dataclass(frozen=True)
class Variant:
    """One way to make the page, and what it promises.

    `view` takes the request, the number of rows and the experiment's own knobs by name; it may be
    `async`. `queries` holds for a cold cache, `warm` for a warm one and is left out where nothing
    is cached. `templates` names those in which the lesson lies, and `also` functions that the view
    calls and that a reader has to see. `differs` says why its page is not the first variant's.

    `cache` is the backend's alias where the lesson fixes it. `revalidates` has its clients send
    back the ETag of the answer before, as browsers do; a 304 then is an answer, and `warm` is its
    promise. `change(request, rows)` is done by a POST to its address. `reference` marks a variant
    that is no part of the ladder, only measured beside it. `site_cache` puts Django's cache
    middlewares in front of all the others, for so many seconds. `body` says how load scenarios read
    the answer (BODIES).
    """

    name: str
    view: Callable
    queries: Queries
    warm: Queries | None = None
    templates: tuple[str, ...] = ()
    also: tuple[Callable, ...] = ()
    differs: str = ""
    cache: str = ""
    revalidates: bool = False
    change: Callable | None = None
    reference: bool = False
    site_cache: int = 0
    body: str = "html"

    def promise(self, warm: bool) -> Queries:
        """The promised queries for a warm or a cold cache."""
        return self.warm if warm and self.warm else self.queries


@dataclass
class Experiment:
    """A lesson: the same page made in two or more ways, from slow to fast.

    `remedy` names the fast way in a sentence ("the join saves 100 queries"), `cost` says what it
    costs, `count` how many rows the collection has to show, and `docs` is the address of the Django
    documentation's section. `slug`, `summary` and `explanation` come from the module's name and
    docstring.

    `figure` is the one in which the lesson shows (FIGURES). `clock` says whose time is compared:
    the server's, which ends with the first byte, or the client's, which ends with the last.
    `needs` names the one database vendor on which it can be run. The difference shows from
    `shows_from` rows on, of which `collection` counts how many there are: the same as `count`,
    but where no page shows them all. `knobs` are its own, `story` is played on
    its page.
    """

    title: str
    topic: str
    remedy: str
    count: Callable[[], int] = field(repr=False)  # a queryset's own would query to be shown
    cost: str
    docs: str
    variants: tuple[Variant, ...]
    rows: str = "films"
    act: str = "less"
    figure: str = "queries"
    clock: str = "server"
    needs: str = ""
    shows_from: int = 0
    collection: Callable[[], int] | None = field(default=None, repr=False)
    knobs: tuple[Choice, ...] = ()
    story: tuple[Step, ...] = ()
    slug: str = ""
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
    def cache_is_free(self) -> bool:
        """Whether the cache knob has a say: not where every variant fixes its own."""
        return not all(variant.cache for variant in self.ladder)

    @property
    def database(self) -> str:
        """The name of the database that it needs, "" where any will do."""
        return DATABASES.get(self.needs, "")

    @property
    def here(self) -> bool:
        """Whether it can be run on the lab's database."""
        return self.needs in ("", connection.vendor)

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
        experiment = module.experiment
        experiment.slug = name.replace("_", "-")
        experiment.summary, _, experiment.explanation = cleandoc(module.__doc__).partition("\n\n")
        for value, known in (
            (experiment.act, ACTS),
            (experiment.figure, FIGURES),
            (experiment.clock, CLOCKS),
            (experiment.needs, ("", *DATABASES)),
            *((variant.body, BODIES) for variant in experiment.variants),
        ):
            if value not in known:
                raise ValueError(f"{module.__name__}: {value!r} is none of {', '.join(known)}")
        experiments[experiment.slug] = experiment


def runnable() -> list[Experiment]:
    """The experiments that can be run on the lab's database, in teaching order."""
    return [experiment for experiment in experiments.values() if experiment.here]


def get(slug: str) -> Experiment:
    """The experiment of that slug. Raises KeyError."""
    return experiments[slug]
