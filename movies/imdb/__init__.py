"""Replace the films by real ones from IMDb's own dumps, which the user has downloaded.

The dumps are streamed into temporary tables and joined there, whatever their size. What they do
not hold is synthesised as `seed` does, and labelled so: synopses, reviews, and the countries of
films that are not in data/films.csv. Everything is done in one transaction: an interruption leaves
the old films. The same dumps give the same rows, ids included, on SQLite and PostgreSQL.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import count, islice
from random import Random
from time import perf_counter

from django.db import connection

from movies import seeding
from movies.imdb import dumps, staging
from movies.imdb.dumps import DumpError
from movies.models import Country, Director, Movie, Review, Seeding
from movies.seeding import rows, texts, writing

SEED = 1  # of everything that is synthesised
FILMS = 2_000  # in a block, which has its own random numbers and is written at once

# A film gets one review for so many votes, up to a maximum: the best known films would have more.
VOTES_PER_REVIEW = 1_000
MAX_REVIEWS = 2_000


@dataclass
class Summary:
    """What an import did."""

    added: dict[str, int]  # number of rows written, by their kind
    unused: dict[str, Counter]  # number of lines that were not used, by dump and reason
    is_by_votes: bool  # whether the films are ordered by their number of votes
    seconds: float

    @property
    def rows(self):
        return sum(self.added.values())


def import_films(folder, limit=seeding.MAX_MOVIES, types=("movie",), replace=False, progress=None):
    """Replace all films by those of the dumps in `folder` (a Path), and return a Summary.

    At most `limit` films are imported: those with the most votes, or where title.ratings is missing
    those with the lowest ids. `types` are values of IMDb's titleType. Tables that hold rows are
    only changed with `replace`. `progress(stage, done, total)` is called again and again, with
    bytes of a dump or with films. Raises DumpError for dumps that cannot be used, SeedingError for
    tables that may not be replaced, and Django's database errors; the tables are then as they were.
    """
    progress = progress or (lambda stage, done, total: None)
    started = perf_counter()
    paths = dumps.find(folder)
    ensure_replaceable(replace)
    with writing.exclusive_transaction(lambda: progress("waiting for another writer", 0, None)):
        ensure_replaceable(replace)  # look again: we may have waited for another writer
        with connection.cursor() as cursor:
            staging.create(cursor)
            unused = stage(cursor, paths, types, progress)
            progress("choosing films", 0, None)
            chosen, unused["the collection"] = staging.choose(cursor, limit)
            if not chosen:
                raise DumpError(f"No film of these dumps can be used: {reasons(unused)}.")
            staging.credit_directors(cursor)
            progress("deleting the old films", 0, None)
            writing.delete_all(cursor)
            Seeding.objects.all().delete()
            added = seeding.write_blocks(
                cursor,
                Seeding(pk=1, recipe=rows.IMPORTED, seed=SEED),
                blocks("title.ratings" in paths),
                lambda stage, films, rows: progress(stage, films, chosen),
            )
            staging.drop(cursor)
    progress("tidying up", chosen, chosen)
    writing.tidy_up()
    seeding.renew_record()
    return Summary(added, unused, "title.ratings" in paths, perf_counter() - started)


def ensure_replaceable(replace):
    """Raise SeedingError unless the tables are empty or may be replaced."""
    if not replace and any(m.objects.exists() for m in (Movie, Director, Country, Review)):
        there = Seeding.objects.first()
        found = f"{there.movies:,} films" if there else "rows"
        raise seeding.SeedingError(f"The tables hold {found}; --replace replaces all of them.")


def stage(cursor, paths, types, progress):
    """Write the films of the dumps into temporary tables; return what was not used, and why."""
    unused = defaultdict(Counter)
    films, directors = dumps.Ids(), dumps.Ids()

    def lines(name):
        return dumps.lines(paths[name], name, unused[name], progress)

    name = "title.basics"
    found = dumps.films(lines(name), types, films, unused[name])
    columns = ("film", "title", "original_title", "year", "minutes")
    staging.fill(cursor, "imdb_film", columns, found)

    name = "title.crew"
    found = dumps.crew(lines(name), films, directors, unused[name])
    staging.fill(cursor, "imdb_crew", ("film", "place", "person"), found)

    name = "name.basics"
    found = dumps.people(lines(name), directors, unused[name])
    staging.fill(cursor, "imdb_person", ("person", "name"), found)

    name = "title.ratings"
    if name in paths:
        found = dumps.ratings(lines(name), films, unused[name])
        staging.fill(cursor, "imdb_votes", ("film", "rating", "votes"), found)
    return unused


def reasons(unused):
    """Return why lines were not used, in one line."""
    parts = (
        f"in {name} {', '.join(f'{number:,} {reason}' for reason, number in why.items() if number)}"
        for name, why in unused.items()
        if any(why.values())
    )
    return "; ".join(parts) or "they hold none"


def blocks(are_rated):
    """Yield the chosen films as Rows, block by block."""
    films = staging.films()
    link_ids, review_ids = count(1), count(1)
    directors = 0  # who have appeared
    for number in count():
        part = list(islice(films, FILMS))
        if not part:
            return
        random = Random(SEED << 32 | number).random
        block = rows.Rows()
        for movie, tconst, title, original, year, minutes, director, name, rating, votes in part:
            if director > directors:  # they are numbered in the order in which they appear
                directors = director
                block.directors.append((director, name))
            film = rows.Film(
                imdb_id=f"tt{tconst:07}",
                title=title,
                original_title=original,
                year=year,
                minutes=minutes,
                director=director,
                countries=countries(f"tt{tconst:07}", random),
            )
            block.movies.append(rows.movie_row(movie, film, texts.synopsis(random)))
            block.links += [(next(link_ids), movie, country) for country in film.countries]
            block.reviews += reviews(movie, are_rated, rating, votes, review_ids, random)
        yield block


def countries(imdb_id, random):
    """Return the ids of a film's countries if we know them, else those of a random film."""
    return rows.known_countries().get(imdb_id) or texts.pick(rows.real_films()[0], random).countries


def reviews(movie, are_rated, rating, votes, ids, random):
    """Return a film's reviews, by its votes and rating, or else as for any synthetic film."""
    if not are_rated:
        return rows.reviews(movie, rows.REVIEWS_OF_A_SYNTHETIC_FILM, ids, random)
    number = min((votes or 0) // VOTES_PER_REVIEW, MAX_REVIEWS)
    return rows.opinions(movie, number, (rating or 0) * 100, ids, random)
