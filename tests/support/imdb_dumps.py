"""Write dumps in IMDb's format: a header, tabs, no quoting, `\\N` for nothing."""

import contextlib
import gzip

from django.db import connection

from movies.imdb import dumps
from movies.models import Movie, Seeding
from movies.seeding import writing

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


def cut(path):
    path.write_bytes(path.read_bytes()[:-12])
