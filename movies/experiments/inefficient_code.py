"""Every film compared with every other: twice the films, four times the work.

The page says for each film how many others on it are similar: of the same decade, and about as
long. All three variants run one query. What differs is what is done with its rows.

The slow view compares each film with all others. For a hundred films those are ten thousand
comparisons, for a thousand a million: no line of it looks wrong, and with the few rows of a
developer's database it is quick. The database variant lets a *window function* count: it puts films
of one kind together and counts each kind once. The fast view does the same in Python. It goes
through the films once and counts their kinds in a dictionary, and then looks each film's kind up,
which takes as long among ten as among a million.

**When it matters.** Whenever a loop stands in a loop over the same rows. It may hide in an `in` on
a list, in `list.index`, or in a `sorted` for each row. It is *CPU-bound*: look at the CPU time of
the slow variant, for which no index and no quicker database would do anything. Double the knob
*films* and watch which variant's time doubles, and which one's grows fourfold.
"""

from collections import Counter

from django.db.models import Count, F, Window
from django.shortcuts import render

from movies.models import Movie
from perflab.catalogue.registry import Experiment, Queries, Setting, Variant

COLUMNS = ("title", "year", "minutes")


def kind(movie):
    """What similar films have in common: the decade, and how many half hours they take."""
    return movie["year"] // 10, movie["minutes"] // 30


def pairs(request, rows):
    # Expect 1 query, and N × N comparisons in Python.
    movies = list(Movie.objects.values(*COLUMNS).order_by("id")[:rows])
    for movie in movies:
        similar = sum(kind(movie) == kind(other) for other in movies)
        movie["similar"] = similar - 1  # the film itself is one of them
    return render(request, "movies/similar_films.html", {"movies": movies})


def database(request, rows):
    # Expect 1 query: the films of this page, each with the number of its kind.
    on_page = Movie.objects.order_by("id").values("id")[:rows]
    similar = Window(Count("id"), partition_by=[F("year") / 10, F("minutes") / 30]) - 1
    movies = Movie.objects.filter(id__in=on_page).values(*COLUMNS, similar=similar)
    return render(request, "movies/similar_films.html", {"movies": movies.order_by("id")})


def dictionary(request, rows):
    # Expect 1 query, and N steps twice: count each kind, then look each film's kind up.
    movies = list(Movie.objects.values(*COLUMNS).order_by("id")[:rows])
    of_kind = Counter(kind(movie) for movie in movies)
    for movie in movies:
        movie["similar"] = of_kind[kind(movie)] - 1  # the film itself is one of them
    return render(request, "movies/similar_films.html", {"movies": movies})


experiment = Experiment(
    title="A loop in a loop",
    topic="Slow Python, large answers",
    remedy="the dictionary",
    figure="time",
    cost="Memory for the dictionary, one entry for each kind; and the comparison has to be one "
    "that a key can stand for. “Nearly similar” needs another structure, or the database.",
    docs="https://docs.djangoproject.com/en/5.2/topics/performance/#work-at-the-appropriate-level",
    lesson=Setting(movies=1000),
    not_at=Setting(movies=20, why="Twenty films are 400 comparisons, which take next to no time."),
    variants=(
        Variant("pairs", pairs, Queries(1), also=(kind,)),
        Variant("database", database, Queries(1)),
        Variant("dictionary", dictionary, Queries(1), also=(kind,)),
    ),
)
