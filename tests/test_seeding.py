"""Seeding: the same rows from the same seed, on both databases, whole or not at all.

The command runs as a process of its own, on databases of its own, as a user would run it.
"""

import contextlib
import hashlib
import math
import os
import resource
import signal
import sqlite3
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import psycopg
import pytest
from django.core.management import execute_from_command_line

from movies import seeding
from movies.models import Country, Director, Movie, Review, Seeding
from movies.seeding import rows, texts, writing
from tests.services import wait_until

ROOT = Path(__file__).resolve().parent.parent
OLD, NEW = 2_000, 8_000  # films: before a seeding and after it


class Database:
    """A database of our tables, and the commands that are run on it."""

    def __init__(self, folder, url=""):
        self.environment = {
            **os.environ,
            "PERFLAB_VAR": str(folder),
            "DATABASE_URL": url,
            "PERFLAB_TOOLBAR": "0",  # it is slow to import, and of no use here
        }
        self.processes = []

    def start(self, *arguments, **options):
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        self.processes.append(process)
        return process

    def manage(self, *arguments, **options):
        """Run a command to its end: exit status, output, errors."""
        process = self.start(*arguments, **options)
        output, errors = process.communicate(timeout=100)
        return process.returncode, output, errors

    def seed(self, *arguments):
        """Run `seed`, which must succeed without a word of complaint; its output."""
        status, output, errors = self.manage("seed", *arguments)
        assert (status, errors) == (0, "")
        return output

    def query(self, sql):
        with contextlib.closing(self.connect()) as connection:
            return list(connection.execute(sql))

    def execute(self, sql):
        with contextlib.closing(self.connect()) as connection:
            connection.execute(sql)

    def counts(self):
        """Rows in each table, by its name."""
        return {t: self.query(f"SELECT COUNT(*) FROM {t}")[0][0] for t in writing.TABLES}

    def digest(self):
        """A hash of every column of every row of every table."""
        digest = hashlib.sha256()
        for model, columns in writing.COLUMNS.items():
            table = model._meta.db_table
            for row in self.query(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id"):
                digest.update(repr(row).encode())
        return digest.hexdigest()

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


class OnSQLite(Database):
    """One in a folder of its own, as a copy of another or without tables."""

    def __init__(self, folder, copied=None):
        super().__init__(folder)
        self.path = folder / "perflab.sqlite3"
        if copied:
            with (
                contextlib.closing(copied.connect()) as source,
                contextlib.closing(self.connect()) as copy,
            ):
                source.backup(copy)

    def connect(self):
        return sqlite3.connect(self.path, timeout=10)

    def is_being_written(self):
        """Whether some of an unfinished transaction has reached the disk."""
        log = self.path.with_name("perflab.sqlite3-wal")
        return log.exists() and log.stat().st_size > 2_000_000

    def has_statistics_of(self, table):
        return self.query(f"SELECT 1 FROM sqlite_stat1 WHERE tbl = '{table}'")

    def dangling(self):
        return self.query("PRAGMA foreign_key_check")


class OnPostgreSQL(Database):
    """One on this server, as a copy of another or without tables."""

    def __init__(self, folder, server, name, copied=None, owner="postgres"):
        self.server, self.name, self.owner = server, name, owner
        with contextlib.closing(self.connect(dbname="postgres", user="postgres")) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            template = copied.name if copied else "template1"
            connection.execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template}")
        where = str(server.folder).replace("/", "%2F")
        super().__init__(folder, f"postgres://{owner}@{where}/{name}")

    def connect(self, **parameters):
        where = {"host": str(self.server.folder), "user": self.owner, "dbname": self.name}
        return psycopg.connect(**{**where, **parameters}, autocommit=True)

    def is_being_written(self):
        return self.query("SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 500")

    def has_statistics_of(self, table):
        return self.query(f"SELECT 1 FROM pg_stats WHERE tablename = '{table}'")

    def dangling(self):
        keys = (
            ("movies_movie", "director_id", "movies_director"),
            ("movies_movie_countries", "movie_id", "movies_movie"),
            ("movies_movie_countries", "country_id", "movies_country"),
            ("movies_review", "movie_id", "movies_movie"),
        )
        return [
            row
            for child, column, parent in keys
            for row in self.query(
                f"SELECT c.id FROM {child} c LEFT JOIN {parent} p ON p.id = c.{column} "
                "WHERE p.id IS NULL"
            )
        ]


@pytest.fixture(scope="session")
def originals(tmp_path_factory):
    """A function that makes a database to be copied, once: with tables or with OLD films too."""
    made = {}

    def original(kind, films, server=None):
        if (kind, films) not in made:
            folder = tmp_path_factory.mktemp("original")
            copied = original(kind, 0, server) if films else None
            if kind == "sqlite":
                database = OnSQLite(folder, copied)
            else:
                database = OnPostgreSQL(folder, server, f"original_{films}", copied)
            made[kind, films] = database
            if films:
                database.seed("--movies", str(films))
            else:
                assert database.manage("migrate", "--verbosity=0") == (0, "", "")
        return made[kind, films]

    yield original
    for database in made.values():
        database.end()


def copy_of_original(films, request, originals, folder):
    kind = request.param
    server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
    original = originals(kind, films, server)
    if kind == "sqlite":
        return OnSQLite(folder, copied=original)
    return OnPostgreSQL(folder, server, "copied", copied=original)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, originals, tmp_path):
    """A database with tables and no rows, on SQLite and on PostgreSQL."""
    database = copy_of_original(0, request, originals, tmp_path)
    yield database
    database.end()


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, originals, tmp_path):
    """A database of OLD films, on SQLite and on PostgreSQL."""
    database = copy_of_original(OLD, request, originals, tmp_path)
    yield database
    database.end()


@pytest.fixture(scope="session")
def seeded(originals):
    """A SQLite database of NEW films, seeded at once; tests only read it."""
    return originals("sqlite", NEW)


@pytest.fixture(scope="session")
def digests(originals):
    """The digest of OLD films, and of NEW ones, each seeded at once on SQLite."""
    return {films: originals("sqlite", films).digest() for films in (OLD, NEW)}


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

    # When this fails on purpose, raise RECIPE: what was seeded by the old one cannot be continued.
    assert (rows.RECIPE, digest[:16]) == (1, "a9908018bcfb6dd6")


def test_the_real_films_come_first_and_in_file_order(seeded):
    films = seeded.query("SELECT id, imdb_id, title, year FROM movies_movie ORDER BY id LIMIT 1852")

    listed = [(row["imdb_id"], row["title"], int(row["year"])) for row in rows.read("films.csv")]
    assert len(listed) == 1851
    assert [film[1:] for film in films[:-1]] == listed
    assert [film[0] for film in films] == list(range(1, 1853))
    assert films[-1][1] is None


def test_a_films_countries_and_director_are_those_of_the_file(seeded):
    """Film 30 of the file, say, and one with co-directors."""
    listed = rows.read("films.csv")
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
    codes = {code for row in rows.read("films.csv") for code in row["countries"].split("|")}
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


# Once more, and otherwise


def test_seeding_again_changes_nothing_and_says_so(old, digests):
    same, fewer = old.seed("--movies", str(OLD)), old.seed()

    assert same == "The tables hold 2,000 films of seed 1: nothing to do.\n"
    assert fewer == (
        "The tables hold 2,000 films of seed 1, more than 1,851; only --reset makes them fewer.\n"
    )
    assert old.digest() == digests[OLD]


@pytest.mark.django_db
def test_only_reset_makes_them_fewer():
    assert seeding.seed(20).added == {}

    summary = seeding.seed(20, reset=True)

    assert (summary.movies, summary.added["films"]) == (20, 20)
    assert Movie.objects.count() == 20


@pytest.mark.django_db
def test_the_test_database_holds_the_real_films():
    summary = seeding.seed()

    assert summary.added == {}
    assert summary.note == "The tables hold 1,851 films of seed 1: nothing to do."
    assert Movie.objects.exclude(imdb_id=None).count() == Movie.objects.count() == 1851


@pytest.mark.django_db
def test_another_seed_is_refused_without_reset():
    with pytest.raises(seeding.SeedingError, match="1,851 films of seed 1; --reset replaces them"):
        seeding.seed(5_000, seed=2)

    assert seeding.seed(20, seed=2, reset=True).added["films"] == 20
    assert Seeding.objects.get().seed == 2


@pytest.mark.django_db
def test_films_of_an_older_recipe_are_kept_but_not_continued():
    Seeding.objects.update(recipe=rows.RECIPE - 1)

    assert "nothing to do" in seeding.seed().note
    with pytest.raises(seeding.SeedingError, match="another version of perflab"):
        seeding.seed(1_900)


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Movie, Director, Country, Review])
def test_rows_that_seed_did_not_write_are_not_touched(model):
    Seeding.objects.all().delete()
    for other in {Review, Movie, Director, Country} - {
        model,
        *([Director] if model is Movie else []),
    }:
        if model is not Review:
            other.objects.all().delete()

    with pytest.raises(seeding.SeedingError, match="did not write; --reset replaces them"):
        seeding.seed(2_000)

    assert model.objects.exists()


@pytest.mark.django_db
def test_deleted_films_are_noticed():
    Movie.objects.filter(pk=7).delete()

    with pytest.raises(seeding.SeedingError, match="some have been deleted; --reset"):
        seeding.seed()

    assert seeding.seed(reset=True).movies == 1851
    assert Movie.objects.filter(pk=7).exists()


@pytest.mark.django_db
def test_changed_tables_are_not_continued():
    Review.objects.create(movie_id=1, reviewer="somebody", score=5, text="mine")

    assert "nothing to do" in seeding.seed().note
    with pytest.raises(seeding.SeedingError, match="movies_review has been changed"):
        seeding.seed(2_000)
    assert Movie.objects.count() == 1851


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments", [{"movies": 0}, {"movies": 5_000_001}, {"seed": -1}, {"seed": 2**31}]
)
def test_numbers_out_of_range_raise_before_anything_is_written(arguments):
    with pytest.raises(ValueError, match="must be from"):
        seeding.seed(**{"reset": True, **arguments})

    assert Movie.objects.count() == 1851


@pytest.mark.django_db
def test_django_gives_new_rows_ids_after_ours():
    seeding.seed(2_000, reset=True)

    director = Director.objects.create(name="somebody")

    assert director.pk > Seeding.objects.get().directors


@pytest.mark.django_db
def test_progress_is_told_stage_by_stage():
    told = []

    summary = seeding.seed(4_000, progress=lambda *what: told.append(what))

    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert stages == ["writing", "analysing the tables", "tidying up"]
    assert [films for stage, films, _ in told if stage == "writing"] == [3702, 4000]
    assert told[-1] == ("tidying up", 4000, summary.rows)


# Interrupted


def interrupted(database, how, *arguments):
    """Start seeding, send the signal once rows are on their way, and return how it ended."""
    process = database.start("seed", *arguments)
    wait_until(lambda: database.is_being_written() or process.poll() is not None, "seeding", 30)
    process.send_signal(how)
    output, errors = process.communicate(timeout=30)
    return process.returncode, output, errors


def test_killed_it_leaves_the_old_films_and_the_next_run_completes(old, digests):
    status, output, _ = interrupted(old, signal.SIGKILL, "--movies", str(NEW), "--reset")

    assert (status, output) == (-signal.SIGKILL, "")
    assert old.digest() == digests[OLD]

    old.seed("--movies", str(NEW))

    assert old.digest() == digests[NEW]


def test_ctrl_c_leaves_the_old_films_and_says_so_in_one_line(old, digests):
    status, output, errors = interrupted(old, signal.SIGINT, "--movies", str(NEW))

    assert (status, output) == (130, "")
    assert errors == (
        "Interrupted: the films are as they were, or all there. Run it again to be sure.\n"
    )
    assert old.digest() == digests[OLD]


def test_readers_go_on_while_the_films_are_replaced(old):
    process = old.start("seed", "--movies", str(NEW), "--reset")
    wait_until(old.is_being_written, "seeding", 30)
    seen = Counter()

    while process.poll() is None:
        seen[old.counts()["movies_movie"]] += 1

    assert process.returncode == 0
    assert seen[OLD] > 1
    assert set(seen) <= {OLD, NEW}


def test_two_at_once_write_the_films_once(old, digests):
    both = [old.start("seed", "--movies", str(NEW)) for _ in range(2)]

    ended = [(*process.communicate(timeout=60), process.returncode) for process in both]

    assert [status for _, _, status in ended] == [0, 0]
    assert sorted(output.split()[0] for output, _, _ in ended) == ["Seeded", "The"]
    assert old.digest() == digests[NEW]


def test_two_resets_at_once_leave_one_whole_collection(old, digests):
    both = [old.start("seed", "--movies", str(OLD), "--reset") for _ in range(2)]

    for process in both:
        process.communicate(timeout=60)

    assert [process.returncode for process in both] == [0, 0]
    assert old.digest() == digests[OLD]


# Nonsense and misfortune

NONSENSE = [
    ["--movies", "0"],
    ["--movies", "-1"],
    ["--movies", "5000001"],
    ["--movies", "9" * 5000],
    ["--movies", "abc"],
    ["--movies", "1e3"],
    ["--movies", "10.5"],
    ["--movies", ""],
    ["--movies", "two\nlines"],
    ["--movies"],
    ["--seed", "-1"],
    ["--seed", "2147483648"],
    ["--seed", "x"],
    ["--bogus"],
    ["films"],
    ["--reset=yes"],
]


@pytest.mark.parametrize("arguments", NONSENSE, ids=lambda words: " ".join(words)[:20])
def test_nonsense_gets_one_line_and_status_2(arguments, capsys):
    """Without the database: a test that is not marked for it may not touch it."""
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "seed", *arguments])

    output, errors = capsys.readouterr()
    assert (ended.value.code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("seed: ")
    assert len(errors) < 250


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_what_must_not_be_continued_gets_one_line_and_status_2(old, digests):
    assert old.manage("seed", "--seed", "2") == (
        *(2, ""),
        "CommandError: The tables hold 2,000 films of seed 1; --reset replaces them.\n",
    )
    assert old.digest() == digests[OLD]


def test_without_tables_it_says_to_migrate(tmp_path):
    status, output, errors = OnSQLite(tmp_path).manage("seed", "--reset")

    assert (status, output) == (2, "")
    assert errors == "CommandError: The tables are not there yet: run manage.py migrate.\n"


def test_a_database_that_does_not_answer_gets_one_line(tmp_path):
    nobody = f"postgres://me@{str(tmp_path).replace('/', '%2F')}/films"

    status, output, errors = Database(tmp_path, nobody).manage("seed")

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("CommandError: the database says: ")


@pytest.mark.parametrize("old", ["sqlite"], indirect=True)
def test_a_full_disk_gets_one_line_and_leaves_the_old_films(old, digests):
    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    status, output, errors = old.manage("seed", "--movies", str(NEW), preexec_fn=small_disk)

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("CommandError: the database says: ")
    assert old.digest() == digests[OLD]


@pytest.mark.parametrize("old", ["postgresql"], indirect=True)
def test_a_database_that_refuses_the_rows_gets_one_line_and_keeps_the_old_ones(old, digests):
    old.execute("ALTER TABLE movies_review ADD CHECK (id < 50000)")

    status, output, errors = old.manage("seed", "--movies", str(NEW))

    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("CommandError: the database says: new row for relation")
    assert old.digest() == digests[OLD]
