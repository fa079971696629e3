"""Importing IMDb's dumps: what is taken, what is not and why, and that all or nothing is done.

The dumps are made here, in IMDb's format: a header, tabs, no quoting, `\\N` for nothing.
"""

import contextlib
import gzip
import os
import tracemalloc

import pytest
from django.core.management import call_command, execute_from_command_line
from django.core.management.base import CommandError
from django.db import connection

from movies import imdb, seeding
from movies.imdb import dumps
from movies.models import Director, Movie, Review, Seeding
from movies.seeding import rows, texts, writing
from tests.test_seeding import OnPostgreSQL

CANNES = "tt0038297"  # The Lovers, which data/films.csv has with its country, Italy

FILMS = [
    "tt0000009\tmovie\tMiss Jerry\tMiss Jerry\t0\t1894\t\\N\t45\tRomance",
    f"{CANNES}\tmovie\tThe Lovers\tAmanti in fuga\t0\t1946\t\\N\t90\tDrama",
    "tt0111161\tmovie\t\"Quoted\" said 'he'\t\\N\t0\t1994\t\\N\t142\tDrama",
    "tt12345678\tmovie\tAmélie & 千と千尋\tAmélie & 千と千尋\t0\t2001\t\\N\t122\t\\N",
]
CREW = [
    "tt0000009\tnm0000001\t\\N",
    f"{CANNES}\tnm0000002,nm0000003\tnm0000009",
    "tt0111161\tnm0000002,nm0000003\t\\N",
    "tt12345678\tnm12345678\t\\N",
]
NAMES = [
    "nm0000001\tAlexander Black\t1859\t1940\tdirector\ttt0000009",
    "nm0000002\tJoel Coen\t1954\t\\N\tdirector\t\\N",
    "nm0000003\tEthan Coen\t1957\t\\N\tdirector\t\\N",
    "nm0000004\tNobody's Director\t\\N\t\\N\tactor\t\\N",
    "nm12345678\tJean-Pierre Jeunet\t\\N\t\\N\t\\N\t\\N",
]
RATINGS = ["tt0000009\t5.4\t220", "tt0111161\t9.3\t2900000", f"{CANNES}\t7\t41999"]

IMPORTED = ["tt0111161", CANNES, "tt0000009", "tt12345678"]  # by votes, then by id


def write(folder, films=FILMS, crew=CREW, names=NAMES, ratings=RATINGS, end="\n", pack=True):
    """Write the dumps, without title.ratings if that is None; lines may be bytes."""
    contents = dict(zip(dumps.COLUMNS, (films, crew, names, ratings), strict=True))
    for name, lines in contents.items():
        if lines is None:
            continue
        lines = ["\t".join(dumps.COLUMNS[name]), *lines]
        data = b"".join(
            (line if isinstance(line, bytes) else line.encode()) + end.encode() for line in lines
        )
        path = folder / f"{name}.tsv{'.gz' if pack else ''}"
        path.write_bytes(gzip.compress(data, 1) if pack else data)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path)


def everything():
    """All rows of all tables."""
    with connection.cursor() as cursor:
        found = {}
        for model, columns in writing.COLUMNS.items():
            table = model._meta.db_table
            cursor.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id")
            found[table] = cursor.fetchall()
    return found


def temporary_tables():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_temp_master WHERE name LIKE 'imdb%'")
        return cursor.fetchall()


def imported_ids():
    return list(Movie.objects.order_by("id").values_list("imdb_id", flat=True))


@contextlib.contextmanager
def nothing_changes():
    before, seeded = everything(), Seeding.objects.values().get()
    yield
    assert everything() == before
    assert Seeding.objects.values().get() == seeded
    assert temporary_tables() == []


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
    assert [len(scores[i]) for i in IMPORTED] == [imdb.MOST_REVIEWS, 41, 0, 0]
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


# What is not taken, and why

IRREGULAR = {
    "title.basics": {
        "of another type": [
            "tt1000001\tvideo\tA\tA\t0\t2000\t\\N\t90\t\\N",
            "tt1000002\ttvSeries\tA\tA\t0\t2000\t2004\t90\t\\N",
        ],
        "for adults": ["tt1000003\tmovie\tA\tA\t1\t2000\t\\N\t90\t\\N"],
        "whose isAdult is neither 0 nor 1": [
            "tt1000004\tmovie\tA\tA\t2019\t\\N\t\\N\t90\t\\N",  # a tab is missing before it
            "tt1000005\tmovie\tA\tA\t\\N\t2000\t\\N\t90\t\\N",
        ],
        "with missing columns": [
            "tt1000006\tmovie\tA\tA\t0\t2000\t\\N\t90",
            "tt1000007",
            "",
        ],
        "with too many columns": ["tt1000008\tmovie\tA\tB\tA\t0\t2000\t\\N\t90\t\\N"],
        "without a year": ["tt1000009\tmovie\tA\tA\t0\t\\N\t\\N\t90\t\\N"],
        "with an impossible year": [
            "tt1000010\tmovie\tA\tA\t0\t20000\t\\N\t90\t\\N",
            "tt1000011\tmovie\tA\tA\t0\t-200\t\\N\t90\t\\N",
            "tt1000012\tmovie\tA\tA\t0\t٢٠٠٠\t\\N\t90\t\\N",
        ],
        "without a running time": ["tt1000013\tmovie\tA\tA\t0\t2000\t\\N\t\\N\t\\N"],
        "with an impossible running time": [
            "tt1000014\tmovie\tA\tA\t0\t2000\t\\N\t0\t\\N",
            "tt1000015\tmovie\tA\tA\t0\t2000\t\\N\t51420\t\\N",
            "tt1000016\tmovie\tA\tA\t0\t2000\t\\N\tDrama\t\\N",
            f"tt1000017\tmovie\tA\tA\t0\t2000\t\\N\t{'9' * 5000}\t\\N",
        ],
        "without a title": [
            "tt1000018\tmovie\t\\N\tA\t0\t2000\t\\N\t90\t\\N",
            "tt1000019\tmovie\t \tA\t0\t2000\t\\N\t90\t\\N",
        ],
        "with a title of more than 300 characters": [
            f"tt1000020\tmovie\t{'A' * 301}\tA\t0\t2000\t\\N\t90\t\\N",
            f"tt1000021\tmovie\tA\t{'A' * 301}\t0\t2000\t\\N\t90\t\\N",
        ],
        "with a title that is not UTF-8": [
            b"tt1000022\tmovie\tAm\xe9lie\tA\t0\t2000\t\\N\t90\t\\N"
        ],
        "with a title that is not text": ["tt1000023\tmovie\tA\0B\tA\t0\t2000\t\\N\t90\t\\N"],
        "without an id": [
            "1000024\tmovie\tA\tA\t0\t2000\t\\N\t90\t\\N",
            "tt999\tmovie\tA\tA\t0\t2000\t\\N\t90\t\\N",
            "tt01000025\tmovie\tA\tA\t0\t2000\t\\N\t90\t\\N",
            "tt1234567890\tmovie\tA\tA\t0\t2000\t\\N\t90\t\\N",
            "nm1000026\tmovie\tA\tA\t0\t2000\t\\N\t90\t\\N",
        ],
        "listed before": ["tt0000009\tmovie\tAnother\tAnother\t0\t2000\t\\N\t90\t\\N"],
    },
    "title.crew": {
        "listed before": ["tt0000009\tnm0000004\t\\N"],
        "without an id": ["\\N\tnm0000001\t\\N"],
        "with missing columns": ["tt0000009\tnm0000004"],
        "with a director without an id": ["tt2000001\tnm0000001,nmnobody\t\\N"],
    },
    "name.basics": {
        "without a name": ["nm2000002\t\\N\t\\N\t\\N\t\\N\t\\N"],
        "without an id": ["\\N\tA\t\\N\t\\N\t\\N\t\\N"],
        "with a name of more than 200 characters": [f"nm2000003\t{'A' * 201}\t\\N\t\\N\t\\N\t\\N"],
        "with a name that is not UTF-8": [b"nm2000004\tJos\xe9\t\\N\t\\N\t\\N\t\\N"],
        "with too many columns": ["nm0000001\tA\tB\t\\N\t\\N\t\\N\t\\N"],
        "listed before": ["nm0000001\tSomebody Else\t\\N\t\\N\t\\N\t\\N"],
    },
    "title.ratings": {
        "with an impossible rating": ["tt12345678\t11.0\t5", "tt12345678\tx\t5"],
        "without a number of votes": ["tt12345678\t5.0\t\\N"],
        "with an impossible number of votes": ["tt12345678\t5.0\t-3", "tt12345678\t5.0\t1e9"],
        "without an id": ["?\t5.0\t6"],
        "with missing columns": ["tt12345678\t5.0"],
        "listed before": ["tt0000009\t9.9\t9999999"],
    },
}
# Films that are well told but have no director whom name.basics names; and one that keeps one.
UNDIRECTED = [f"tt300000{i}\tmovie\tNobody's\tNobody's\t0\t2000\t\\N\t90\t\\N" for i in range(1, 5)]
UNDIRECTED_CREW = [
    "tt3000002\t\\N\tnm0000001",  # tt3000001 has no line at all
    "tt3000003\tnm2000002,nm2000003\t\\N",
    "tt3000004\tnm9999999,nm2000004\t\\N",
]
PARTLY = "tt2000001\tmovie\tPartly known\tPartly known\t0\t2000\t\\N\t90\t\\N"
STRANGERS = ["tt4000001\tnm0000004\t\\N"]  # of a title that was not taken: no fault


@pytest.fixture
def irregular(tmp_path):
    """Dumps with every irregularity, and the films of FILMS and PARTLY among them."""
    lines = {
        name: [line for group in why.values() for line in group] for name, why in IRREGULAR.items()
    }
    return write(
        tmp_path,
        [*FILMS, *lines["title.basics"], *UNDIRECTED, PARTLY],
        [*CREW, *lines["title.crew"], *UNDIRECTED_CREW, *STRANGERS],
        [*NAMES, *lines["name.basics"]],
        [*RATINGS, *lines["title.ratings"]],
    )


@pytest.mark.django_db
def test_what_cannot_be_used_is_counted_by_reason_and_the_rest_is_imported(irregular):
    summary = imdb.import_films(irregular, replace=True)

    expected = {
        name: {reason: len(lines) for reason, lines in why.items()}
        for name, why in IRREGULAR.items()
    }
    expected["the collection"] = {
        "credits of directors without a name": 4,
        "films without a director": 4,
        "films beyond the limit": 0,
    }
    assert summary.unused == expected
    assert sorted(imported_ids()) == sorted([*IMPORTED, "tt2000001"])
    assert Movie.objects.get(imdb_id="tt0000009").title == "Miss Jerry"
    assert Movie.objects.get(imdb_id="tt0000009").director.name == "Alexander Black"
    assert Movie.objects.get(imdb_id="tt2000001").director.name == "Alexander Black"


@pytest.mark.django_db
def test_the_command_tells_what_it_did_and_what_it_left_out(irregular, capsys):
    call_command("import_imdb", str(irregular), replace=True)

    output, errors = capsys.readouterr()
    first, *others = output.splitlines()
    assert errors == ""
    assert first.startswith("Imported 5 films (most votes first), 3 directors, 97 countries, ")
    assert "Not used in name.basics: 1 listed before, 1 with a name of more than 200 " in output
    assert "Not used in title.basics: 1 for adults, 1 listed before, 2 of another type, " in output
    assert [line.split(":")[0] for line in others[:5]] == [
        *(f"Not used in {name}" for name in dumps.COLUMNS),
        "Not used in the collection",
    ]
    assert "Information courtesy of IMDb" in others[-1]


# Bounded memory


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_dumps(tmp_path, monkeypatch):
    monkeypatch.setattr(dumps, "BLOCK", 1 << 16)

    def peak(unwanted):
        folder = tmp_path / str(unwanted)
        folder.mkdir()
        ids = range(5_000_000, 5_000_000 + unwanted)
        write(
            folder,
            [*FILMS, *(f"tt{i}\tvideo\tA{i}\tA{i}\t0\t2000\t\\N\t90\tDrama" for i in ids)],
            [*CREW, *(f"tt{i}\tnm{i},nm{i - 1}\tnm0000001,nm0000002" for i in ids)],
            [*NAMES, *(f"nm{i}\tPerson {i}\t1950\t\\N\tdirector,writer\ttt{i}" for i in ids)],
            [*RATINGS, *(f"tt{i}\t5.0\t600" for i in ids)],
        )
        tracemalloc.start()
        try:
            imdb.import_films(folder, limit=2, replace=True)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(0)  # what is kept for good, such as the countries of real films

    small, large = peak(5_000), peak(25_000)  # both of several blocks

    assert large < small + 400_000  # the ids of 20,000 in a set would be 1,800,000


# All or nothing


def cut(path):
    path.write_bytes(path.read_bytes()[:-12])


def spoil(path):
    data = bytearray(path.read_bytes())
    data[-6] ^= 255  # the checksum
    path.write_bytes(data)


def unpacked(text):
    return lambda path: path.write_text(text)


WRONG = {
    "missing": (lambda path: path.unlink(), "holds neither"),
    "empty": (unpacked(""), "is empty"),
    "packed nothing": (lambda path: path.write_bytes(gzip.compress(b"")), "is empty"),
    "another table": (unpacked("a,b,c\n1,2,3\n"), "does not begin with the columns of IMDb's"),
    "no text": (lambda path: path.write_bytes(os.urandom(2_000_000)), "does not begin"),
    "cut off": (cut, "ends too early"),
    "cut in its header": (lambda path: path.write_bytes(path.read_bytes()[:30]), "ends too early"),
    "damaged": (spoil, "is damaged"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "cannot be read: Is a directory"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["title.basics", "name.basics"])
@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_dump_gets_one_line_and_status_2_and_changes_nothing(folder, name, how):
    spoil_it, says = WRONG[how]
    spoil_it(folder / f"{name}.tsv.gz")

    with nothing_changes(), pytest.raises(CommandError, match=says) as told:
        call_command("import_imdb", str(folder), replace=True)

    assert told.value.returncode == 2
    assert name in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.django_db
def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path):
    folder = write(tmp_path, [*FILMS, "A" * 5_000_000])

    with nothing_changes(), pytest.raises(dumps.DumpError, match="a line of more than 1,048,576"):
        imdb.import_films(folder, replace=True)


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["nowhere", "title.basics.tsv.gz", "a\nb", "x" * 5000])
def test_what_is_no_folder_gets_one_line(folder, where):
    with nothing_changes(), pytest.raises(CommandError, match="cannot be read") as told:
        call_command("import_imdb", str(folder / where), replace=True)

    assert told.value.returncode == 2
    assert "\n" not in str(told.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("dump", "says"),
    [({"films": []}, "they hold none"), ({"crew": []}, "4 films without a director")],
    ids=["no film", "no director"],
)
def test_dumps_without_a_film_that_can_be_used_change_nothing(tmp_path, dump, says):
    with nothing_changes(), pytest.raises(CommandError, match=says) as told:
        call_command("import_imdb", str(write(tmp_path, **dump)), replace=True)

    assert told.value.returncode == 2


@pytest.mark.django_db
def test_films_that_are_there_are_only_replaced_when_asked(folder):
    with nothing_changes(), pytest.raises(CommandError, match="1,851 films; --replace") as told:
        call_command("import_imdb", str(folder))

    assert told.value.returncode == 2


@pytest.mark.django_db
def test_empty_tables_need_no_asking(folder):
    with connection.cursor() as cursor:
        writing.empty(cursor)
    Seeding.objects.all().delete()

    call_command("import_imdb", str(folder), verbosity=0)

    assert imported_ids() == IMPORTED


@pytest.mark.django_db
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_interrupted_while_writing_it_leaves_the_old_films(folder, monkeypatch, error):
    def reviews(movie, *others):
        if movie == 3:
            raise error
        return []

    monkeypatch.setattr(imdb, "FILMS", 1)  # so that two films have been written by then
    monkeypatch.setattr(imdb, "reviews", reviews)

    with nothing_changes(), pytest.raises(error):
        imdb.import_films(folder, replace=True)

    monkeypatch.undo()
    imdb.import_films(folder, replace=True)
    assert imported_ids() == IMPORTED


@pytest.mark.parametrize(
    "arguments",
    [[], ["DIR", "--limit", "0"], ["DIR", "--limit", "x"], ["DIR", "--type", "song"], ["A", "B"]],
    ids=" ".join,
)
def test_nonsense_gets_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "import_imdb", *arguments])

    output, errors = capsys.readouterr()
    assert (ended.value.code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("import_imdb: ")


# Seeding afterwards


@pytest.mark.django_db
def test_seed_leaves_imported_films_as_they_are_and_says_how_to_replace_them(folder):
    imdb.import_films(folder, replace=True)
    before = everything()

    summary = seeding.seed()  # as the launcher does

    assert summary.note == (
        "The tables hold 4 films imported from IMDb: left as they are; "
        "seed --reset replaces them with its own."
    )
    for more in ({"movies": 5_000}, {"seed": 2}):
        with pytest.raises(seeding.SeedingError, match="to which seed adds nothing; seed --reset"):
            seeding.seed(**more)
    assert everything() == before


@pytest.mark.django_db
def test_seed_resets_imported_films_to_what_it_always_wrote(folder):
    seeded = everything()
    imdb.import_films(folder, replace=True)

    seeding.seed(reset=True)

    assert everything() == seeded
    assert Seeding.objects.get().recipe == rows.RECIPE


@pytest.mark.django_db
def test_imported_films_that_are_missing_are_noticed(folder):
    imdb.import_films(folder, replace=True)
    Movie.objects.get(pk=2).delete()

    with pytest.raises(seeding.SeedingError, match="Of 4 films imported from IMDb some have been"):
        seeding.seed()


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
