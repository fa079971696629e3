"""What an experiment is, and the list of them all.

An experiment is one module with views and one name, `experiment`. Its docstring is the explanation
that its page shows. A package of experiments lists its modules in teaching order:

    register(__name__, ["n_plus_one", "cache_page"])
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc

ACTS = {"measure": "Measure first", "more": "Do more", "less": "Do less"}


@dataclass(frozen=True)
class Queries:
    """A number of queries as a function of the rows shown."""

    base: int
    per_row: int = 0

    def at(self, rows: int) -> int:
        """The number of queries for a page of so many rows."""
        return self.base + self.per_row * rows

    def __str__(self):
        if not self.per_row:
            return str(self.base)
        per_row = "N" if self.per_row == 1 else f"{self.per_row}N"
        return f"{self.base} + {per_row}" if self.base else per_row


@dataclass(frozen=True)
class Rung:
    """One way to make the page, and what it promises.

    `view` takes the request and the number of rows. `queries` holds for a cold cache, `warm` for a
    warm one and is left out where nothing is cached. `templates` names those in which the lesson
    lies, and `also` functions that the view calls and that a reader has to see.
    """

    name: str
    view: Callable
    queries: Queries
    warm: Queries | None = None
    templates: tuple[str, ...] = ()
    also: tuple[Callable, ...] = ()

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
    """

    title: str
    topic: str
    remedy: str
    count: Callable[[], int]
    cost: str
    docs: str
    rungs: tuple[Rung, ...]
    rows: str = "films"
    act: str = "less"
    slug: str = ""
    summary: str = ""
    explanation: str = ""

    @property
    def slow(self) -> Rung:
        """The first rung."""
        return self.rungs[0]

    @property
    def fast(self) -> Rung:
        """The last rung."""
        return self.rungs[-1]

    @property
    def caches(self) -> bool:
        """Whether a cache takes part, so that cold and warm differ."""
        return any(rung.warm for rung in self.rungs)

    def rung(self, name: str) -> Rung:
        """The rung of that name. Raises KeyError."""
        for rung in self.rungs:
            if rung.name == name:
                return rung
        raise KeyError(name)


experiments: dict[str, Experiment] = {}


def register(package: str, modules: list[str]) -> None:
    """Import a package's experiment modules and list them, by slug, in the order given."""
    for name in modules:
        module = import_module(f"{package}.{name}")
        experiment = module.experiment
        experiment.slug = name.replace("_", "-")
        experiment.summary, _, experiment.explanation = cleandoc(module.__doc__).partition("\n\n")
        if experiment.act not in ACTS:
            raise ValueError(f"{module.__name__}: there is no act {experiment.act!r}")
        experiments[experiment.slug] = experiment


def get(slug: str) -> Experiment:
    """The experiment of that slug. Raises KeyError."""
    return experiments[slug]
