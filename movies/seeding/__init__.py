"""Fill the tables: the real films first, then invented ones, with countries, synopses and reviews.

The same seed gives the same rows, ids included, on SQLite and PostgreSQL, whether they were written
in one step or in several. Everything is written in one transaction: readers see the old films until
the new ones are complete, and an interruption leaves the old films.
"""

from dataclasses import dataclass, field
from time import perf_counter

from django.db import connection, transaction

from movies.models import Country, Director, Movie, Review, Seeding
from movies.seeding import rows, writing
from movies.seeding.rows import REAL_FILMS
from perflab.catalogue import collection

MAX_MOVIES = 5_000_000
MAX_SEED = 2**31 - 1
LONG_RUN = 1_000  # films; the speed of a shorter run says nothing of a longer one
# What a film takes of the work, with its reviews: an invented one has fewer of them. In kilobytes
# of SQLite's file, with which the time grows.
WORK_OF_A_REAL_FILM, WORK_OF_AN_INVENTED_FILM = 3.5, 1.2


class SeedingError(Exception):
    """The tables hold rows to which no film may be added. The message says why, and what helps."""


@dataclass
class Summary:
    """What one call of `seed()` did."""

    movies: int  # films in the table now
    seed: int  # from which they were made
    note: str = ""  # if nothing was written, the reason
    added: dict[str, int] = field(default_factory=dict)  # number of rows written, by their kind
    seconds: float = 0.0

    @property
    def rows(self):
        return sum(self.added.values())


def seed(movies=REAL_FILMS, seed=1, reset=False, progress=None):
    """Add films of this seed until the tables hold `movies` films, and return a Summary.

    Fewer films than there are, or films of another seed, are only written with `reset`, which
    replaces everything. `progress(stage, films, rows)` is called again and again with what is being
    done, how many films there are, and how many rows have been written. Raises ValueError for
    numbers out of range, SeedingError for tables to which nothing may be added, and Django's
    database errors.
    """
    if not 1 <= movies <= MAX_MOVIES:
        raise ValueError(f"movies must be from 1 to {MAX_MOVIES:,}, not {movies:,}")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be from 0 to {MAX_SEED:,}, not {seed:,}")
    progress = progress or (lambda stage, films, rows: None)
    started = perf_counter()
    summary = None if reset else nothing_to_do(movies, seed)
    if not summary:
        try:
            with writing.exclusive_transaction(
                lambda: progress("waiting for another writer", 0, 0)
            ):
                # Look again: we may have waited for another process that wrote the same films.
                summary = None if reset else nothing_to_do(movies, seed)
                summary = summary or write(movies, seed, reset, progress)
        except BaseException:
            writing.tidy_up()  # what was written and is void would go on filling the disk
            raise
        if summary.added:
            progress("tidying up", summary.movies, summary.rows)
            writing.tidy_up()
    summary.seconds = perf_counter() - started
    added = summary.added.get("films", 0)
    is_long = added >= LONG_RUN and not reset  # a reset deletes too
    done = work(summary.movies - added, summary.movies) if is_long else 0
    renew_record(done / summary.seconds)
    return summary


def work(before, after):
    """Return the work of getting from so many films to so many; no other part knows its unit."""
    real = max(0, min(after, REAL_FILMS) - before)
    invented = max(0, after - max(before, REAL_FILMS))
    return real * WORK_OF_A_REAL_FILM + invented * WORK_OF_AN_INVENTED_FILM


def renew_record(work_per_s=0):
    """Let the lab know what the tables hold now, once the caller's transaction has committed."""
    transaction.on_commit(lambda: collection.renew(work_per_s, always=True))


def count_films():
    """Return how many films there are: 3 quick queries.

    A COUNT of a large table takes a while. The ids of the films that were written go from 1 to
    their number, so the table is only counted where its first or last id is another.
    """
    ids = Movie.objects.order_by("id").values_list("id", flat=True)
    written = Seeding.objects.values_list("movies", flat=True).first()
    if written and (ids.first(), ids.last()) == (1, written):
        return written
    return Movie.objects.count()


def current_seed():
    """Return the seed of the films that are there, or 1: 1 query."""
    there = Seeding.objects.first()
    return there.seed if there else 1


def can_grow():
    """Return whether `seed` may add films to those that are there: 1 query.

    It may where it has written them itself, or where there are none.
    """
    recipe = Seeding.objects.values_list("recipe", flat=True).first()
    return not Movie.objects.exists() if recipe is None else recipe == rows.RECIPE


def nothing_to_do(movies, seed):
    """Return a Summary if the tables hold enough films, None if some have to be written."""
    there = Seeding.objects.first()
    if not there:
        if any(model.objects.exists() for model in (Movie, Director, Country, Review)):
            raise SeedingError(
                "The tables hold rows that seed did not write; --reset replaces them."
            )
        return None
    if there.recipe == rows.IMPORTED:
        return keep_imported(there, movies, seed)
    found = f"{there.movies:,} films of seed {there.seed}"
    if there.seed != seed:
        raise SeedingError(f"The tables hold {found}; --reset replaces them.")
    if Movie.objects.count() < there.movies:
        raise SeedingError(f"Of {found} some have been deleted; --reset brings them back.")
    if there.movies == movies:
        return Summary(movies, seed, f"The tables hold {found}: nothing to do.")
    if there.movies > movies:
        note = f"The tables hold {found}, more than {movies:,}; only --reset makes them fewer."
        return Summary(there.movies, seed, note)
    if there.recipe != rows.RECIPE:
        raise SeedingError(
            f"The tables hold {found}, made by another version of perflab; --reset replaces them."
        )
    return None


def keep_imported(there, movies, seed):
    """Return a Summary if films from IMDb may stay as they are, else raise SeedingError."""
    found = f"{there.movies:,} films imported from IMDb"
    replaces = "seed --reset replaces them with its own"
    if Movie.objects.count() < there.movies:
        raise SeedingError(f"Of {found} some have been deleted; {replaces}.")
    # The default number means "the real films". Films from IMDb are real, however many there are.
    if seed != there.seed or movies > max(there.movies, REAL_FILMS):
        raise SeedingError(f"The tables hold {found}, to which seed adds nothing; {replaces}.")
    return Summary(there.movies, seed, f"The tables hold {found}: left as they are; {replaces}.")


def write(movies, seed, reset, progress):
    """Write the missing films, or all of them after a reset. The caller has begun a transaction."""
    with connection.cursor() as cursor:
        if reset:
            progress("deleting the old films", 0, 0)
            writing.delete_all(cursor)
            Seeding.objects.all().delete()
        there = Seeding.objects.first() or Seeding(pk=1, recipe=rows.RECIPE, seed=seed)
        if there.movies:
            ensure_whole(there)
        blocks = rows.blocks(seed, there.movies, movies, there.links, there.reviews)
        added = write_blocks(cursor, there, writing.make_ahead(blocks), progress)
    return Summary(movies, seed, added=added)


def write_blocks(cursor, there, blocks, progress):
    """Write blocks of Rows, update and save `there`, and return the number of new rows by kind.

    `there` is the Seeding that says what was written before. The countries are written before the
    first film.
    """
    added = dict.fromkeys(("films", "directors", "countries", "links", "reviews"), 0)
    if not there.movies:
        writing.insert(cursor, Country, rows.countries())
        added["countries"] = len(rows.countries())
    for block in blocks:
        writing.insert(cursor, Director, block.directors)
        writing.insert(cursor, Movie, block.movies)
        writing.insert(cursor, writing.Link, block.links)
        writing.insert(cursor, Review, block.reviews)
        added["films"] += len(block.movies)
        added["directors"] += len(block.directors)
        added["links"] += len(block.links)
        added["reviews"] += len(block.reviews)
        progress("writing", there.movies + added["films"], sum(added.values()))
    there.movies += added["films"]
    there.directors += added["directors"]
    there.links += added["links"]
    there.reviews += added["reviews"]
    there.save()
    progress("analysing the tables", there.movies, sum(added.values()))
    writing.analyse(cursor)
    return added


def ensure_whole(there):
    """Raise SeedingError unless the tables still hold all rows that were written, and no others."""
    written = {
        Country: len(rows.countries()),
        Director: there.directors,
        Movie: there.movies,
        writing.Link: there.links,
        Review: there.reviews,
    }
    for model, count in written.items():
        if not writing.is_whole(model, count):
            raise SeedingError(
                f"The table {model._meta.db_table} has been changed since it was seeded, so no "
                "films can be added; --reset replaces all of them."
            )
