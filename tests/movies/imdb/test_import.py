"""Test which films are imported, and what is synthesised for them."""

import gzip

import pytest

from movies import imdb, seeding
from movies.imdb import dumps
from movies.models import Director, Movie, Review, Seeding
from movies.seeding import rows, texts, writing
from tests.support.databases import OnPostgreSQL
from tests.support.imdb_dumps import (
    CANNES,
    CREW,
    FILMS,
    IMPORTED,
    NAMES,
    cut,
    everything,
    imported_ids,
    temporary_tables,
    write,
)

# What is taken


@pytest.mark.django_db
def test_films_come_as_the_dumps_tell_them_those_with_the_most_votes_first(folder):
    summary = imdb.import_films(folder, replace=True)

    facts = ("imdb_id", "title", "original_title", "year", "minutes", "director__name")
    assert list(Movie.objects.order_by("id").values_list("id", *facts)) == [
        (1, "tt0111161", "\"Quoted\" said 'he'", "", 1994, 142, "Joel Coen, Ethan Coen"),
        (2, CANNES, "The Lovers", "Amanti in fuga", 1946, 90, "Joel Coen, Ethan Coen"),
        (3, "tt0000009", "Miss Jerry", "", 1894, 45, "Alexander Black"),
        (4, "tt12345678", "Amélie & 千と千尋", "", 2001, 122, "Jean-Pierre Jeunet"),
    ]
    assert summary.added["films"] == 4
    assert not any(any(why.values()) for why in summary.unused.values())


@pytest.mark.django_db
def test_ids_have_no_gaps_and_are_on_record(folder):
    summary = imdb.import_films(folder, replace=True)

    there = Seeding.objects.get()
    assert (there.recipe, there.movies, there.directors) == (rows.IMPORTED, 4, 3)
    assert (there.links, there.reviews) == (summary.added["links"], summary.added["reviews"])
    seeding.ensure_whole(there)  # raises unless each table's ids are 1 to that
    assert temporary_tables() == []


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{"pack": False}, {"end": "\r\n"}], ids=["plain", "crlf"])
def test_plain_files_and_other_line_ends_give_the_same_films(folder, tmp_path, options):
    imdb.import_films(folder, replace=True)
    expected = everything()
    other = tmp_path / "other"
    other.mkdir()

    imdb.import_films(write(other, **options), replace=True)

    assert everything() == expected


@pytest.mark.django_db
def test_lines_are_whole_across_blocks_and_without_a_last_end(folder, tmp_path, monkeypatch):
    imdb.import_films(folder, replace=True)
    expected = everything()
    for name in dumps.COLUMNS:
        path = tmp_path / f"{name}.tsv.gz"
        data = gzip.decompress(path.read_bytes()).replace(b"\n", b"\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + data.removesuffix(b"\n"))
    monkeypatch.setattr(dumps, "BLOCK", 127)

    imdb.import_films(folder, replace=True)

    assert everything() == expected


@pytest.mark.django_db
def test_the_limit_keeps_the_most_voted_films_and_a_smaller_one_is_a_beginning(folder):
    imdb.import_films(folder, replace=True)
    all_reviews = everything()["movies_review"]

    summary = imdb.import_films(folder, limit=2, replace=True)

    assert imported_ids() == IMPORTED[:2]
    assert summary.unused["the collection"]["films beyond the limit"] == 2
    assert everything()["movies_review"] == all_reviews[: Review.objects.count()]


@pytest.mark.django_db
def test_without_ratings_the_lowest_ids_come_first(tmp_path):
    summary = imdb.import_films(write(tmp_path, ratings=None), limit=3, replace=True)

    assert imported_ids() == ["tt0000009", CANNES, "tt0111161"]
    assert not summary.is_by_votes


@pytest.mark.django_db
def test_other_types_are_taken_when_asked_for(tmp_path):
    films = [*FILMS, "tt0000001\tshort\tCarmencita\tCarmencita\t0\t1894\t\\N\t1\t\\N"]
    folder = write(tmp_path, films, [*CREW, "tt0000001\tnm0000001\t\\N"])

    imdb.import_films(folder, types=["short"], replace=True)

    assert imported_ids() == ["tt0000001"]


@pytest.mark.django_db
def test_a_director_is_who_is_credited_not_a_name(tmp_path):
    names = [*NAMES[:3], "nm0000004\tJoel Coen\t\\N\t\\N\t\\N\t\\N"]
    crew = [*CREW[:2], "tt0111161\tnm0000004\t\\N", "tt12345678\tnm0000002\t\\N"]

    imdb.import_films(write(tmp_path, FILMS, crew, names), replace=True)

    directors = dict(Movie.objects.values_list("imdb_id", "director"))
    assert len(set(directors.values())) == Director.objects.count() == 4
    assert Director.objects.filter(name="Joel Coen").count() == 2


@pytest.mark.django_db
def test_a_credit_too_long_for_us_ends_with_and_others(tmp_path):
    names = [
        f"nm{i:07}\tNumber {i} of the Many Directors\t\\N\t\\N\t\\N\t\\N" for i in range(1, 31)
    ]
    people = [line.split("\t")[0] for line in names]
    crew = [f"tt0000009\t{','.join(people)}\t\\N", f"{CANNES}\t{','.join(people[:6])}\t\\N"]

    imdb.import_films(write(tmp_path, FILMS[:2], crew, names), replace=True)

    long, short = (Movie.objects.get(imdb_id=i).director.name for i in ("tt0000009", CANNES))
    assert short == ", ".join(f"Number {i} of the Many Directors" for i in range(1, 7))
    assert long.startswith("Number 1 of the Many Directors, Number 2")
    assert long.endswith(", Number 5 of the Many Directors and others")
    assert len(long) <= 200


# What the dumps do not tell


@pytest.mark.django_db
def test_what_is_synthesised_says_so(folder):
    imdb.import_films(folder, replace=True)

    synopses = Movie.objects.values_list("synopsis", flat=True)
    reviews = Review.objects.values_list("text", flat=True)
    assert reviews
    assert all(text.startswith(texts.SYNOPSIS_LABEL) for text in synopses)
    assert all(text.startswith(texts.REVIEW_LABEL) for text in reviews)


@pytest.mark.django_db
def test_reviews_are_as_many_and_as_good_as_the_votes(folder):
    imdb.import_films(folder, replace=True)

    scores = {i: [] for i in IMPORTED}
    for movie, score in Review.objects.values_list("movie__imdb_id", "score"):
        scores[movie].append(score)
    assert [len(scores[i]) for i in IMPORTED] == [imdb.MAX_REVIEWS, 41, 0, 0]
    assert sum(scores["tt0111161"]) / len(scores["tt0111161"]) == pytest.approx(9.1, abs=0.3)
    assert sum(scores[CANNES]) / 41 == pytest.approx(7, abs=0.6)


@pytest.mark.django_db
def test_a_film_of_cannes_keeps_its_countries_and_others_have_synthesised_ones(folder, client):
    imdb.import_films(folder, replace=True)

    known, other = (Movie.objects.get(imdb_id=i) for i in (CANNES, "tt0000009"))
    assert [country.code for country in known.countries.all()] == ["IT"]
    assert other.countries.exists()
    assert "synthesised countries" not in client.get(known.get_absolute_url()).content.decode()
    assert "synthesised countries" in client.get(other.get_absolute_url()).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("variant", ["slow", "fast"])
def test_the_experiments_go_on_with_imported_films(folder, client, variant):
    imdb.import_films(folder, replace=True)

    for experiment in ("n-plus-one", "many-to-many", "reverse-relation"):
        response = client.get(f"/experiments/{experiment}/{variant}/?movies=3")

        assert response.status_code == 200
        assert "Joel Coen, Ethan Coen" in response.content.decode() or experiment == "many-to-many"
    assert "4 films" in client.get("/films/").content.decode()


# On PostgreSQL


@pytest.mark.django_db
def test_postgresql_gets_the_same_rows(postgresql, irregular, tmp_path):
    imdb.import_films(irregular, replace=True)
    expected = everything()
    database = OnPostgreSQL(tmp_path, postgresql, "imported")
    try:
        assert database.manage("migrate", "--verbosity=0") == (0, "", "")
        first = database.manage("import_imdb", str(irregular))
        cut(irregular / "title.ratings.tsv.gz")
        second = database.manage("import_imdb", str(irregular), "--replace")
        found = {
            table: database.query(
                f"SELECT {', '.join(writing.COLUMNS[model])} FROM {table} ORDER BY id"
            )
            for model, table in zip(writing.COLUMNS, writing.TABLES, strict=True)
        }
    finally:
        database.end()

    assert (first[0], first[2]) == (0, "")
    assert second == (
        *(2, ""),
        "CommandError: title.ratings.tsv.gz ends too early: download it again\n",
    )
    assert found == expected
    assert database.dangling() == []
