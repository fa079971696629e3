"""Fill the tables: the real films first, then invented ones, with countries, synopses and reviews.

The same seed gives the same rows, ids included, on SQLite and PostgreSQL, however many steps it
took to get there. Everything is written in one transaction: readers see the old films until the
new ones are complete, and whatever interrupts it leaves the old.
"""

from dataclasses import dataclass, field
from time import perf_counter

from django.db import connection, transaction

from movies.models import Country, Director, Movie, Review, Seeding
from movies.seeding import rows, writing
from movies.seeding.rows import REAL_FILMS

MAX_MOVIES = 5_000_000
MAX_SEED = 2**31 - 1


class SeedingError(Exception):
    """The tables hold what cannot be continued; the message says why and what to do."""


@dataclass
class Summary:
    """What one call of `seed()` did."""

    movies: int  # films there are now
    seed: int  # what they were made from
    note: str = ""  # why nothing was written, when nothing was
    added: dict[str, int] = field(default_factory=dict)  # rows written, by what they are
    seconds: float = 0.0

    @property
    def rows(self):
        return sum(self.added.values())


def seed(movies=REAL_FILMS, seed=1, reset=False, progress=None):
    """Make the tables hold `movies` films of this seed, adding what is missing; return a Summary.

    Fewer films than there are, or films of another seed, are only written with `reset`, which
    replaces everything. `progress(films, of, rows)` is called after every block. Raises
    ValueError for numbers out of range, SeedingError for tables that it must not continue.
    """
    if not 1 <= movies <= MAX_MOVIES:
        raise ValueError(f"movies must be from 1 to {MAX_MOVIES:,}, not {movies}")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be from 0 to {MAX_SEED:,}, not {seed}")
    started = perf_counter()
    done = None if reset else nothing_to_do(movies, seed)
    if not done:
        with connection.constraint_checks_disabled(), transaction.atomic():
            done = None if reset else nothing_to_do(movies, seed)
            if not done:
                done = write(movies, seed, reset, progress)
    done.seconds = perf_counter() - started
    return done


def nothing_to_do(movies, seed):
    """A Summary if the tables hold these films already, None if some have to be written."""
    there = Seeding.objects.first()
    if not there:
        if any(model.objects.exists() for model in (Movie, Director, Country, Review)):
            raise SeedingError(
                "the tables hold rows that seed did not write: --reset replaces them"
            )
        return None
    if there.seed != seed:
        raise SeedingError(
            f"there are {there.movies:,} films of seed {there.seed} here: --reset replaces them"
        )
    if there.movies == movies:
        return Summary(movies, seed, f"{movies:,} films of seed {seed} are there: nothing to do.")
    if there.movies > movies:
        note = f"{there.movies:,} films are there, more than {movies:,}: only --reset shrinks."
        return Summary(there.movies, seed, note)
    return None


def write(movies, seed, reset, progress):
    """Inside the transaction: write the missing films, all of them after a reset."""
    with connection.cursor() as cursor:
        if reset:
            writing.empty(cursor)
            Seeding.objects.all().delete()
        there = Seeding.objects.first() or Seeding(
            pk=1, recipe=rows.RECIPE, seed=seed, movies=0, links=0, reviews=0
        )
        added = dict.fromkeys(("countries", "directors", "movies", "links", "reviews"), 0)
        if not there.movies:
            writing.insert(cursor, Country._meta.db_table, rows.countries())
            added["countries"] = len(rows.countries())
        for block in rows.blocks(seed, there.movies, movies, there.links, there.reviews):
            writing.insert_block(cursor, block)
            for kind in ("directors", "movies", "links", "reviews"):
                added[kind] += len(getattr(block, kind))
            if progress:
                progress(there.movies + added["movies"], movies, sum(added.values()))
        there.movies += added["movies"]
        there.links += added["links"]
        there.reviews += added["reviews"]
        there.save()
        writing.finish(cursor)
    return Summary(movies, seed, added=added)
