"""Test search: what is found, which index finds it, and a database without the extension."""

import psycopg
import pytest
from django.db import connection
from django.db.models import Q

from movies.experiments.search import WORD
from movies.models import Director, Movie
from movies.search import (
    TRIGRAM_INDEXES,
    WORD_INDEXES,
    explain_indexes,
    explain_word_indexes,
    films_with,
    films_with_words,
)
from perflab.catalogue import registry
from tests.support.experiments import page, plan, statements
from tests.support.labs import manage

here = pytest.mark.django_db
on_postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has no such index, and no full-text search"
)


@here
@pytest.mark.parametrize("words", [WORD, WORD.upper(), "o", "é", "%", "a_b", "ozu", "of the", "'"])
def test_the_same_films_are_found_as_by_one_question(words):
    either = Movie.objects.filter(
        Q(title__icontains=words)
        | Q(original_title__icontains=words)
        | Q(director__name__icontains=words)
    )

    assert set(films_with(words)) == set(either)
    assert films_with(words).count() == either.count()


@here
def test_enough_films_are_found_for_a_page():
    searches = {"sqlite": [films_with], "postgresql": [films_with, films_with_words]}

    least = min(search(WORD).count() for search in searches[connection.vendor])
    assert registry.get("search").count() == least > 25
    assert f"{films_with(WORD).count()} films" in page("search", "either")


@here
@on_postgresql
def test_the_united_questions_go_by_the_indexes_and_the_others_do_not():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a small table is read at once
    plans = {
        variant: plan(statements("search", variant)[0]) for variant in ("either", "in", "united")
    }

    assert all(name in plans["united"] for name in TRIGRAM_INDEXES)
    assert "movie_title_trigrams" not in plans["either"] + plans["in"]


@here
def test_the_page_says_what_there_is():
    expected = {
        "sqlite": "No index of SQLite&#x27;s helps here",
        "postgresql": "Titles and names have trigram indexes.",
    }

    assert expected[connection.vendor] in page("search", "united")


@here
@on_postgresql
def test_a_missing_index_is_noticed():
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX director_name_trigrams")

    assert explain_indexes().startswith("There is no trigram index")


def add_film(title, director="Somebody"):
    return Movie.objects.create(
        title=title,
        year=2000,
        minutes=90,
        synopsis="",
        director=Director.objects.create(name=director),
    )


@here
@on_postgresql
def test_a_search_for_words_finds_other_forms_of_them_and_no_parts_of_longer_ones():
    films = {
        title: add_film(title)
        for title in ("The Man I Love", "Loving", "LOVES", "Dr. Strangelove", "Lovers", "Clover")
    }
    others = [add_film("Nothing", director="Courtney Love"), add_film("More", director="Loving")]

    found = set(films_with_words("love"))

    expected = {"The Man I Love", "Loving", "LOVES"}
    assert {title for title, film in films.items() if film in found} == expected
    assert [film in found for film in others] == [True, False]  # a name has no other forms
    assert films["Loving"] in films_with_words("loves")


@here
@on_postgresql
@pytest.mark.parametrize("words", ["", "the", "%", "'", "love &", "love | war", "!", ":*", "é"])
def test_whatever_is_typed_is_a_search_for_words(words):
    assert films_with_words(words).count() >= 0


@here
@on_postgresql
def test_words_such_as_the_are_left_out():
    film = add_film("The Love")

    assert not films_with_words("the").exists()
    assert film in films_with_words("love of the")


@here
@on_postgresql
def test_the_search_for_words_goes_by_its_indexes():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a small table is read at once

    found = plan(statements("search", "words")[0])

    assert all(name in found for name in WORD_INDEXES)
    assert "Titles and names have full-text indexes." in page("search", "words")


@here
@on_postgresql
def test_a_missing_full_text_index_is_noticed():
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX movie_words")

    assert explain_word_indexes().startswith("There is no full-text index")


@pytest.mark.exhaustive
def test_without_the_right_to_create_the_extension_migrate_succeeds(own_postgresql, tmp_path):
    where = {"host": str(own_postgresql.folder), "user": "postgres", "autocommit": True}
    with psycopg.connect(**where, dbname="perflab") as server:
        server.execute("CREATE ROLE visitor LOGIN")
        server.execute("GRANT CREATE ON SCHEMA public TO visitor")
    url = own_postgresql.url.replace("postgres@", "visitor@")
    lab = {"PERFLAB_VAR": str(tmp_path), "DATABASE_URL": url, "PERFLAB_TOOLBAR": "0"}

    manage("migrate", "--verbosity=0", **lab)

    with psycopg.connect(**where, dbname="perflab") as server:
        indexes = {name for (name,) in server.execute("SELECT indexname FROM pg_indexes")}
        extensions = server.execute("SELECT extname FROM pg_extension").fetchall()
    assert "movie_lower_imdb_id" in indexes
    assert not indexes & set(TRIGRAM_INDEXES)
    assert ("pg_trgm",) not in extensions

    with psycopg.connect(**where, dbname="perflab") as server:
        server.execute("CREATE EXTENSION pg_trgm")
    manage("migrate", "movies", "0014", "--verbosity=0", **lab)  # as the page advises
    manage("migrate", "--verbosity=0", **lab)

    with psycopg.connect(**where, dbname="perflab") as server:
        indexes = {name for (name,) in server.execute("SELECT indexname FROM pg_indexes")}
    assert set(TRIGRAM_INDEXES) <= indexes
