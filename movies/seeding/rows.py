"""Make the rows block by block from a seed, without asking a database.

The real collection is block 0. Every later block is an imitation of it: it has as many films and as
many invented directors, and its directors, years, countries and running times are those of the real
films in another order. A film's rows depend only on the seed and on its place, so a longer
collection begins with the shorter one.
"""

import csv
from bisect import bisect
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from random import Random

from movies.seeding import distributions, texts, words

# The version of these rules. Raise it with any change after which a seed gives other rows: then no
# film is added to a collection that an older version has written.
RECIPE = 1

# The recipe of a collection that `manage.py import_imdb` has written: seed adds nothing to it.
IMPORTED = 32_767  # the largest number that the column can hold

DATA = Path(__file__).resolve().parent.parent / "data"

# Reviews per film. The films of a festival's competition are better known than the others. The most
# reviewed films have less than a tenth of all reviews of the real films.
REVIEWS_OF_A_REAL_FILM = distributions.lognormal(median=3, sigma=2, cap=2000)
REVIEWS_OF_A_SYNTHETIC_FILM = distributions.lognormal(median=0.3, sigma=2, cap=2000)

# In thousandths of a point: how good a film is, and by how much a reviewer's opinion differs.
QUALITY = distributions.skewed_normal(mean=6.3, sd=1.25, skew=-0.5)
OPINION = distributions.skewed_normal(mean=0.5, sd=1.2, skew=0)  # the half point rounds scores

# Reviewers have handles, which nobody takes for a person's name. Some write much more than others.
REVIEWERS = [adjective + noun for adjective in words.ADJECTIVES for noun in words.NOUNS]
ACTIVITY = distributions.cumulative_weights(len(REVIEWERS), sigma=1.6)
ALL_ACTIVITY = ACTIVITY[-1]


@dataclass(slots=True)
class Film:
    """The facts of one film, before its texts are written."""

    imdb_id: str | None
    title: str
    original_title: str
    year: int
    minutes: int
    director: int  # its id
    countries: list[int]  # their ids


@dataclass(slots=True)
class Rows:
    """The rows of one block for each table, as tuples in the order of the columns in writing.py."""

    directors: list = field(default_factory=list)
    movies: list = field(default_factory=list)
    links: list = field(default_factory=list)
    reviews: list = field(default_factory=list)

    def __len__(self):
        return sum(map(len, (self.directors, self.movies, self.links, self.reviews)))


def read_csv(name):
    """Return the lines of a file in data/ as dictionaries."""
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def countries():
    """Return the rows of the country table: id, code, name."""
    return [
        (i, row["code"], row["name"]) for i, row in enumerate(read_csv("countries.csv"), start=1)
    ]


@cache
def real_films():
    """Return the real films in file order, and their directors' names in order of appearance."""
    country_ids = {code: i for i, code, _ in countries()}
    director_ids = {}
    films = [
        Film(
            imdb_id=row["imdb_id"],
            title=row["title"],
            original_title=row["original_title"],
            year=int(row["year"]),
            minutes=int(row["runtime_minutes"]),
            director=director_ids.setdefault(row["director"], len(director_ids) + 1),
            countries=[country_ids[code] for code in row["countries"].split("|")],
        )
        for row in read_csv("films.csv")
    ]
    return films, list(director_ids)


REAL_FILMS = len(real_films()[0])


@cache
def known_countries():
    """Return the ids of the countries of the real films, by IMDb id."""
    return {film.imdb_id: film.countries for film in real_films()[0]}


def invented_films(number, random):
    """Return the films of block `number` (1 and up), and their directors' names in order.

    The order of the directors is that of their appearance.
    """
    films, directors = real_films()
    first = number * len(directors) + 1
    director_ids = {}  # from the real director's id to that of the invented director
    made = zip(
        distributions.shuffled(films, random),  # for the countries and the years
        distributions.shuffled([film.minutes for film in films], random),
        distributions.shuffled([film.director for film in films], random),
        strict=True,
    )
    return [
        Film(
            imdb_id=None,
            title=texts.title(random),
            original_title="",
            year=film.year,
            minutes=minutes,
            director=director_ids.setdefault(director, first + len(director_ids)),
            countries=film.countries,
        )
        for film, minutes, director in made
    ], [texts.credit(first + i, random) for i in range(len(directors))]


def reviewers(number, random):
    """Return the names of `number` different reviewers, more probably active ones."""
    names = {}  # a dictionary, because the order of a set is not the same in every process
    while len(names) < number:
        names[REVIEWERS[bisect(ACTIVITY, int(random() * ALL_ACTIVITY))]] = None
    return names


def reviews(movie, counts, ids, random):
    """Return one film's reviews: id, movie id, reviewer, score, text."""
    number = texts.pick(counts, random)
    if not number:
        return []
    return opinions(movie, number, texts.pick(QUALITY, random), ids, random)


def opinions(movie, number, quality, ids, random):
    """Return so many reviews of a film of this quality, in thousandths (1,000 to 10,000)."""
    written = []
    for reviewer in reviewers(number, random):
        score = (quality + OPINION[int(random() * distributions.STEPS)]) // 1000
        score = 1 if score < 1 else 10 if score > 10 else score
        texts_of_score = texts.REVIEWS[score]
        text = texts_of_score[int(random() * len(texts_of_score))]
        written.append((next(ids), movie, reviewer, score, text))
    return written


def movie_row(movie, film, synopsis):
    """Return the row of the film with the id `movie`."""
    return (
        movie,
        film.imdb_id,
        film.title,
        film.original_title,
        film.year,
        film.minutes,
        synopsis,
        film.director,
    )


def blocks(seed, start, stop, links=0, reviews_before=0):
    """Yield the Rows of the films start + 1 to stop, block by block.

    `links` and `reviews_before` are the numbers of such rows before them, so that ids have no gaps.
    """
    link_ids, review_ids = count(links + 1), count(reviews_before + 1)
    for number in range(start // REAL_FILMS, -(-stop // REAL_FILMS)):
        yield block(seed, number, start, stop, link_ids, review_ids)


def block(seed, number, start, stop, link_ids, review_ids):
    """Return the Rows of one block, of which only the films start + 1 to stop are wanted."""
    random = Random(seed << 32 | number).random
    films, directors = invented_films(number, random) if number else real_films()
    counts = REVIEWS_OF_A_SYNTHETIC_FILM if number else REVIEWS_OF_A_REAL_FILM
    first_director = number * len(directors) + 1
    known = 0  # directors of this block who have appeared
    rows = Rows()
    for movie, film in enumerate(films, start=number * REAL_FILMS + 1):
        if movie > stop:
            break
        # Earlier films are made too, because the random numbers of the later ones follow theirs.
        is_wanted = movie > start
        synopsis = texts.synopsis(random)
        opinions = reviews(movie, counts, review_ids if is_wanted else count(), random)
        is_new = film.director == first_director + known
        known += is_new
        if not is_wanted:
            continue
        if is_new:
            rows.directors.append((film.director, directors[film.director - first_director]))
        rows.movies.append(movie_row(movie, film, synopsis))
        rows.links += [(next(link_ids), movie, country) for country in film.countries]
        rows.reviews += opinions
    return rows
