"""How many films the collection holds, and how many rows there are for an experiment's page.

Both stand in a record, in a folder of var/ for each database. A measured request reads the record,
at the cost of one stat, and never runs a query for it. Whoever writes films renews it, and so does
each page that is not measured: somebody may have written films from another folder or machine.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from perflab.base import files

from . import registry
from .registry import Experiment

KEPT = 50  # folders, one for each database that was used with this var/


@dataclass(frozen=True)
class Source:
    """What the bench asks of the subject."""

    count: Callable[[], int]  # films there are; quick, for pages ask it
    grows: Callable[[], bool]  # whether `manage.py seed` may add films to those that are there
    real: int  # films that are not invented, with which `seed` begins
    most: int  # films that `seed` can write
    work: Callable[[int, int], float]  # to get from so many films to so many, in any unit


@dataclass(frozen=True)
class Collection:
    """What the collection holds."""

    films: int
    grows: bool = True  # whether `manage.py seed` may add films
    rows: dict[str, int] = field(default_factory=dict)  # by slug, where the rows are not all films
    work_per_s: float | None = None  # that the last run of `seed` did on this machine

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Collection | None":
        """Return the collection of a record; None where the record is of another version."""
        try:
            rows = {str(slug): int(count) for slug, count in values["rows"].items()}
            rate = values["work_per_s"]
            return cls(int(values["films"]), bool(values["grows"]), rows, rate and float(rate))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def most_rows(self, experiment: Experiment) -> int:
        """Return how many rows there are for the page of an experiment."""
        return self.rows.get(experiment.slug, self.films) if experiment.count else self.films

    def seconds_to(self, films: int) -> float | None:
        """Return about how long `seed` takes to get to so many films; None where not measured."""
        if not source or not self.work_per_s:
            return None
        return source.work(self.films, films) / self.work_per_s

    def films_for(self, experiment: Experiment, rows: int) -> int:
        """Return about how many films it takes for so many rows, in two digits where they differ.

        Of directors, say, there are fewer than films.
        """
        most = self.most_rows(experiment)
        if most == self.films or not most:
            return rows
        needed = ceil(self.films * rows / most)
        step = int(10 ** max(0, len(str(needed)) - 2))
        return ceil(needed / step) * step


source: Source | None = None  # set by the experiments' package
_known: dict[str, tuple[tuple[int, ...], Collection | None]] = {}  # by the record's path
_paths: dict[tuple[Any, ...], str] = {}  # of records, by folder and database


def use(new_source: Source) -> None:
    """Let the lab ask this subject for its films."""
    global source
    source = new_source


def read() -> Collection | None:
    """Return what the record says; None where there is none. This takes one stat."""
    chosen = settings.DATABASES["default"]  # quicker than connection.settings_dict, the same dict
    database = (chosen["NAME"], chosen["HOST"], chosen["PORT"])
    path = _paths.get((settings.VAR, *database)) or _name_record(database)
    try:
        status = os.stat(path)
    except OSError:
        return None
    stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
    known = _known.get(path)
    if known is None or known[0] != stamp:
        known = _known[path] = (stamp, Collection.from_json(files.read_json(Path(path), dict, {})))
    return known[1]


def renew(work_per_s: float | None = None, always: bool = False) -> Collection:
    """Return what the collection holds, by a few queries, and write the record if it changed.

    Raises Django's database errors. `always` counts the rows of every experiment anew, which takes
    longer. Without `work_per_s`, the rate of the last record stays.
    """
    assert source, "no package of experiments has named its collection"
    known = read()
    films, grows = source.count(), source.grows()
    slugs = {experiment.slug for experiment in counted_experiments()}
    if known and not always:
        is_the_same = (known.films, known.grows) == (films, grows)
        if is_the_same and slugs <= known.rows.keys():
            return known
    found = Collection(
        films=films,
        grows=grows,
        rows={e.slug: e.count() for e in counted_experiments() if e.count},
        work_per_s=work_per_s or (known.work_per_s if known else None),
    )
    if found != known:
        path = record_path()
        with suppress(OSError):  # without a record the lab still works, with wider limits
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(path, asdict(found))
            files.keep_newest(path.parent.parent, "*", KEPT)
    return found


def most_films() -> int:
    """Return how many films `manage.py seed` can write."""
    return source.most if source else 0


def real_films() -> int:
    """Return how many of the films are not invented."""
    return source.real if source else 0


def counted_experiments() -> list[Experiment]:
    """Return the experiments whose rows are not all films."""
    return [e for e in registry.experiments.values() if e.count and e.runs_here]


def most_rows(experiment: Experiment) -> int | None:
    """Return how many rows there are for an experiment's page, without a query; None: unknown."""
    found = read()
    return found.most_rows(experiment) if found else None


def record_path() -> Path:
    """Return the path of the record of the configured database."""
    chosen = settings.DATABASES["default"]
    return Path(_name_record((chosen["NAME"], chosen["HOST"], chosen["PORT"])))


def _name_record(database: tuple[Any, ...]) -> str:
    """Return the path of a database's record, the same in every process that uses the database."""
    name, *others = map(str, database)
    if connection.vendor == "sqlite" and not name.startswith((":", "file:")):
        name = os.path.abspath(name)
    text = "\n".join((connection.vendor, name, *others))
    folder = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = str(Path(settings.VAR) / "collection" / folder / "record.json")
    _paths[(settings.VAR, *database)] = path
    return path
