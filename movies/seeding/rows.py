"""The rows themselves, made block by block from a seed, with nothing asked of a database.

The real collection is block 0. Every later block is an echo of it: as many films, shared out among
as many invented directors in the same proportions, made in the same years by the same countries
for the same number of minutes, all dealt out anew. A film's rows depend on the seed and its place
alone, so a longer collection begins with the shorter one.
"""

import csv
from bisect import bisect
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from random import Random

from movies.seeding import distributions, texts, words

# The version of these rules. Raise it with any change after which a seed gives other rows: what an
# older one has written is then left alone, and never continued.
RECIPE = 1

# The recipe of a collection that `manage.py import_imdb` has brought in: seed never continues it.
IMPORTED = 32_767  # the most that its column can hold

DATA = Path(__file__).resolve().parent.parent / "data"

# Reviews per film. Those of a festival's competition are better known than the long tail. The head
# stays under a tenth of all the reviews of the real films.
REVIEWS_OF_A_REAL_FILM = distributions.lognormal(median=3, sigma=2, cap=2000)
REVIEWS_OF_A_SYNTHETIC_FILM = distributions.lognormal(median=0.3, sigma=2, cap=2000)

# In thousandths of a point: how good a film is, and how far one reviewer's opinion is from that.
QUALITY = distributions.skewed_normal(mean=6.3, sd=1.25, skew=-0.5)
OPINION = distributions.skewed_normal(mean=0.5, sd=1.2, skew=0)  # the half point rounds a score

# Known by handles, which nobody takes for a person's name; and how much more some write.
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
    """What one block adds to each table, as tuples in the order of the columns in writing.py."""

    directors: list = field(default_factory=list)
    movies: list = field(default_factory=list)
    links: list = field(default_factory=list)
    reviews: list = field(default_factory=list)

    def __len__(self):
        return sum(map(len, (self.directors, self.movies, self.links, self.reviews)))


def read(name):
    """The lines of a file in data/, as dictionaries."""
    with open(DATA / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def countries():
    """The rows of the country table: id, code, name."""
    return [(i, row["code"], row["name"]) for i, row in enumerate(read("countries.csv"), start=1)]


@cache
def real_films():
    """The real films in file order and their directors' names in order of appearance."""
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
        for row in read("films.csv")
    ]
    return films, list(director_ids)


REAL_FILMS = len(real_films()[0])


@cache
def known_countries():
    """The ids of the countries of the real films, by IMDb id."""
    return {film.imdb_id: film.countries for film in real_films()[0]}


def echo(number, random):
    """Block `number` (1 and up): its films, and its directors' names in order of appearance."""
    films, directors = real_films()
    first = number * len(directors) + 1
    director_ids = {}  # from the one who was dealt here to the one who is credited
    made = zip(
        distributions.shuffled(films, random),  # where and when
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
    """The names of `number` different reviewers, the active ones more likely."""
    names = {}  # a dictionary, since a set's order is not the same in every process
    while len(names) < number:
        names[REVIEWERS[bisect(ACTIVITY, int(random() * ALL_ACTIVITY))]] = None
    return names


def reviews(movie, counts, ids, random):
    """One film's reviews: id, movie id, reviewer, score, text."""
    number = texts.pick(counts, random)
    if not number:
        return []
    return opinions(movie, number, texts.pick(QUALITY, random), ids, random)


def opinions(movie, number, quality, ids, random):
    """So many reviews of a film as good as `quality` (thousandths of a point, 1,000 to 10,000)."""
    written = []
    for reviewer in reviewers(number, random):
        score = (quality + OPINION[int(random() * distributions.STEPS)]) // 1000
        score = 1 if score < 1 else 10 if score > 10 else score
        said = texts.REVIEWS[score]
        written.append((next(ids), movie, reviewer, score, said[int(random() * len(said))]))
    return written


def movie_row(movie, film, synopsis):
    """The row of the film with the id `movie`."""
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

    `links` and `reviews_before` tell how many such rows come before them: ids have no gaps.
    """
    link_ids, review_ids = count(links + 1), count(reviews_before + 1)
    for number in range(start // REAL_FILMS, -(-stop // REAL_FILMS)):
        yield block(seed, number, start, stop, link_ids, review_ids)


def block(seed, number, start, stop, link_ids, review_ids):
    """The Rows of one block, as far as they belong to the films start + 1 to stop."""
    random = Random(seed << 32 | number).random
    films, directors = echo(number, random) if number else real_films()
    counts = REVIEWS_OF_A_SYNTHETIC_FILM if number else REVIEWS_OF_A_REAL_FILM
    first_director = number * len(directors) + 1
    known = 0  # directors of this block who have been seen
    rows = Rows()
    for movie, film in enumerate(films, start=number * REAL_FILMS + 1):
        if movie > stop:
            break
        is_wanted = movie > start  # if not, it is made since the later ones' chances follow from it
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
