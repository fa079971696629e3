"""Search for films by a part of their title or of their director's name, or by whole words."""

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection
from django.db.models import Q

from movies.models import Director, Movie

# Of what `icontains` compares, UPPER(title) and so on: movies/migrations/0015_trigrams.py.
TRIGRAM_INDEXES = [
    "movie_title_trigrams",
    "movie_original_title_trigrams",
    "director_name_trigrams",
]
TRIGRAM = 3  # letters: of fewer no such index knows anything
WORD_INDEXES = ["movie_words", "director_words"]  # movies/migrations/0016_words.py


def films_with(words):
    """Return the films that have these words in a title or in their director's name, unordered."""
    titles = Q(title__icontains=words) | Q(original_title__icontains=words)
    directors = Director.objects.filter(name__icontains=words)
    if len(words) < TRIGRAM:
        return Movie.objects.filter(titles | Q(director__in=directors))
    # Each part is a question of its own, so that each may go by its index.
    by_title = Movie.objects.filter(titles).values("id")
    by_director = Movie.objects.filter(director__in=directors).values("id")
    return Movie.objects.filter(pk__in=by_title.union(by_director))


def films_with_words(words):
    """Return the films with these words in a title or their director's name: PostgreSQL only.

    The expressions and their configurations are those of the indexes; of others none is used.
    """
    titles = SearchVector("title", "original_title", config="english")
    names = SearchVector("name", config="simple")  # a name has no other forms
    movies = Movie.objects.annotate(words=titles).filter(words=SearchQuery(words, config="english"))
    directors = Director.objects.annotate(words=names)
    directors = directors.filter(words=SearchQuery(words, config="simple"))
    by_director = Movie.objects.filter(director__in=directors.values("id")).values("id")
    return Movie.objects.filter(pk__in=movies.values("id").union(by_director))


def explain_indexes():
    """Return in a sentence which index a search can use: 1 query on PostgreSQL, none on SQLite."""
    if connection.vendor == "sqlite":
        return "No index of SQLite's helps here: each search reads all titles and all names."
    if have_indexes(TRIGRAM_INDEXES):
        return "Titles and names have trigram indexes."
    return (
        "There is no trigram index: the lab may not create the extension pg_trgm in this database. "
        "Let its owner run CREATE EXTENSION pg_trgm, then run manage.py migrate movies 0014 and "
        "manage.py migrate."
    )


def explain_word_indexes():
    """Return in a sentence whether a search for words can use an index: 1 query."""
    if have_indexes(WORD_INDEXES):
        return "Titles and names have full-text indexes."
    return "There is no full-text index: run manage.py migrate movies 0015 and manage.py migrate."


def have_indexes(names):
    """Return whether PostgreSQL has all of these indexes: 1 query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_indexes WHERE indexname = ANY(%s)", [names])
        (found,) = cursor.fetchone()
    return found == len(names)
