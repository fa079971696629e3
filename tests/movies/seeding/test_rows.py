"""Test that seeding writes the same rows everywhere, and what they look like."""

import contextlib
import hashlib
import math
import statistics
from collections import Counter, defaultdict

import psycopg
import pytest

from movies.seeding import rows, texts, writing
from tests.support.databases import NEW, OLD, OnPostgreSQL


@pytest.fixture(scope="module")
def blocks():
    """The rows of ten blocks, straight from the generator; the first holds the real films."""
    return list(rows.blocks(1, 0, 10 * rows.REAL_FILMS))


# The same rows


def test_a_grown_collection_is_the_one_seeded_at_once_on_both_databases(empty, digests):
    empty.seed("--movies", str(OLD))
    assert empty.digest() == digests[OLD]

    empty.seed("--movies", str(NEW))

    assert empty.digest() == digests[NEW]
    assert empty.dangling() == []
    assert all(empty.has_statistics_of(table) for table in writing.TABLES)


def test_an_owner_without_superuser_rights_writes_the_same_rows(
    postgresql, originals, tmp_path, digests
):
    with psycopg.connect(postgresql.url.replace("postgres:", "postgresql:", 1)) as connection:
        connection.execute("DROP ROLE IF EXISTS lab_owner")
        connection.execute("CREATE ROLE lab_owner LOGIN")
    tables = originals("postgresql", 0, postgresql)
    database = OnPostgreSQL(tmp_path, postgresql, "owned", copied=tables, owner="lab_owner")
    with contextlib.closing(database.connect(user="postgres")) as connection:
        for (table,) in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ):
            connection.execute(f"ALTER TABLE {table} OWNER TO lab_owner")

    database.seed("--movies", "100", "--seed", "2")
    database.seed("--movies", str(OLD), "--reset")

    assert database.digest() == digests[OLD]
    assert database.dangling() == []


def test_another_seed_gives_other_rows_but_the_same_real_films():
    first, second = (next(rows.blocks(seed, 0, rows.REAL_FILMS)) for seed in (1, 2))

    def facts(block):
        return [movie[:6] + movie[7:] for movie in block.movies]  # all but the synopsis

    assert facts(first) == facts(second)
    assert first.links == second.links
    assert first.directors == second.directors
    assert first.movies != second.movies
    assert first.reviews != second.reviews


def test_a_seed_means_the_same_rows_as_when_its_recipe_was_written():
    made = list(rows.blocks(7, 0, 4_000))

    digest = hashlib.sha256(repr([rows.countries(), made]).encode()).hexdigest()

    # When this fails on purpose, raise RECIPE: nothing may be added to what the old one seeded.
    assert (rows.RECIPE, digest[:16]) == (1, "a9908018bcfb6dd6")


def test_the_real_films_come_first_and_in_file_order(seeded):
    films = seeded.query("SELECT id, imdb_id, title, year FROM movies_movie ORDER BY id LIMIT 1852")

    listed = [
        (row["imdb_id"], row["title"], int(row["year"])) for row in rows.read_csv("films.csv")
    ]
    assert len(listed) == 1851
    assert [film[1:] for film in films[:-1]] == listed
    assert [film[0] for film in films] == list(range(1, 1853))
    assert films[-1][1] is None


def test_a_films_countries_and_director_are_those_of_the_file(seeded):
    """Film 30 of the file, say, and one with co-directors."""
    listed = rows.read_csv("films.csv")
    together = next(i for i, row in enumerate(listed) if ", " in row["director"])
    for i in (29, together):
        director, codes = seeded.query(
            "SELECT d.name, group_concat(c.code, '|') FROM movies_movie m "
            "JOIN movies_director d ON d.id = m.director_id "
            "JOIN movies_movie_countries l ON l.movie_id = m.id "
            f"JOIN movies_country c ON c.id = l.country_id WHERE m.id = {i + 1}"
        )[0]

        assert director == listed[i]["director"]
        assert sorted(codes.split("|")) == sorted(listed[i]["countries"].split("|"))


def test_every_country_code_has_a_name_and_none_is_idle():
    codes = {code for row in rows.read_csv("films.csv") for code in row["countries"].split("|")}
    names = {code: name for _, code, name in rows.countries()}

    assert set(names) == codes
    assert len(set(names.values())) == len(names) == 97
    assert (names["SU"], names["CS"], names["DD"]) == (
        *("Soviet Union", "Czechoslovakia"),
        "East Germany",
    )


# What they look like


def test_what_is_invented_says_so(seeded):
    synopses = seeded.query("SELECT synopsis FROM movies_movie")
    reviews = seeded.query("SELECT text FROM movies_review")

    assert all(text.startswith("Synthesised, not the film's real story: ") for (text,) in synopses)
    assert all(text.startswith("Synthesised: ") for (text,) in reviews)
    lengths = [len(text) for (text,) in synopses]
    assert 600 < statistics.mean(lengths) < 1_000
    assert statistics.stdev(lengths) > 100
    assert not any("{" in text for (text,) in synopses + reviews)


def test_directors_share_the_films_of_every_block_as_the_real_ones_do(blocks):
    shares = [
        sorted(Counter(movie[7] for movie in block.movies).values(), reverse=True)
        for block in blocks
    ]

    films = Counter(shares[0])
    assert (len(shares[0]), films[1], films[2], films[3], shares[0][0]) == (1035, 668, 165, 92, 15)
    assert all(share == shares[0] for share in shares)


def test_a_part_of_a_block_keeps_the_proportions_roughly(seeded):
    """A block has 1,851 films, and NEW is no multiple of that."""
    films = Counter(
        n for (n,) in seeded.query("SELECT COUNT(*) FROM movies_movie GROUP BY director_id")
    )

    assert sum(films.values()) == seeded.counts()["movies_director"]
    assert films[1] / sum(films.values()) == pytest.approx(668 / 1035, abs=0.03)


def test_consecutive_films_rarely_share_a_director(blocks):
    directors = [movie[7] for block in blocks for movie in block.movies]

    together = sum(a == b for a, b in zip(directors, directors[1:], strict=False))

    assert together < len(directors) / 200


def test_invented_films_have_the_countries_and_years_of_real_ones(blocks):
    def facts(block):
        countries = defaultdict(list)
        for _, movie, country in block.links:
            countries[movie].append(country)
        return sorted((movie[4], countries[movie[0]]) for movie in block.movies)

    assert all(facts(block) == facts(blocks[0]) for block in blocks)


def test_no_invented_director_has_the_name_of_another_or_of_a_real_one(blocks):
    names = [name for block in blocks for _, name in block.directors]

    people = [name for name in names if "," not in name]
    assert len(set(people)) == len(people)
    assert len({texts.person(number) for number in range(200_000)}) == 200_000


def test_titles_are_many_and_none_is_unfinished(blocks):
    titles = [movie[2] for block in blocks[1:] for movie in block.movies]

    assert len(set(titles)) > len(titles) / 2
    assert not any("{" in title or "  " in title or not title[0].isupper() for title in titles)


def test_reviews_have_realistic_shapes(blocks):
    for block, none, mean in ((blocks[0], 0.18, 21.5), (blocks[1], 0.6, 2.1)):
        number = Counter(dict.fromkeys((movie[0] for movie in block.movies), 0))
        number.update(review[1] for review in block.reviews)

        assert sum(n == 0 for n in number.values()) / len(number) == pytest.approx(none, abs=0.05)
        assert len(block.reviews) / len(number) == pytest.approx(mean, rel=0.15)

    head = max(Counter(review[1] for review in blocks[0].reviews).values())
    assert head < 0.1 * len(blocks[0].reviews)
    logs = [math.log(count) for count in rows.REVIEWS_OF_A_REAL_FILM if count > 20]
    assert statistics.median(rows.REVIEWS_OF_A_REAL_FILM) == 3
    # Of a normal distribution, sd 2, the part above its mean plus .95 sd.
    assert statistics.mean(logs) - math.log(3) == pytest.approx(2 * 1.5, abs=0.2)


def test_ratings_are_normal_around_6_3_and_skewed_to_the_left(blocks):
    scores = defaultdict(list)
    for block in blocks:
        for _, movie, _, score, _ in block.reviews:
            scores[movie].append(score)

    ratings = [statistics.mean(given) for given in scores.values() if len(given) >= 10]

    mean, sd = statistics.mean(ratings), statistics.stdev(ratings)
    assert mean == pytest.approx(6.3, abs=0.15)
    assert sd == pytest.approx(1.25, abs=0.15)
    assert -0.8 < statistics.mean(((rating - mean) / sd) ** 3 for rating in ratings) < -0.2
    assert {score for given in scores.values() for score in given} == set(range(1, 11))


def test_some_reviewers_write_far_more_than_others_and_none_twice_of_a_film(blocks):
    weights = [b - a for a, b in zip([0, *rows.ACTIVITY], rows.ACTIVITY, strict=False)]
    written = Counter(review[2] for block in blocks for review in block.reviews)
    pairs = [review[1:3] for block in blocks for review in block.reviews]

    assert statistics.stdev(map(math.log, weights)) == pytest.approx(1.6, abs=0.05)
    busiest = sum(count for _, count in written.most_common(len(written) // 10))
    assert busiest > 0.3 * len(pairs)
    assert len(set(pairs)) == len(pairs)
