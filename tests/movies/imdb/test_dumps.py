"""Test which lines of the dumps are not taken and why, and that wrong dumps are refused."""

import gzip
import os
import tracemalloc

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from movies import imdb
from movies.imdb import dumps
from movies.models import Movie
from tests.support.imdb_dumps import (
    CREW,
    FILMS,
    IMPORTED,
    IRREGULAR,
    NAMES,
    RATINGS,
    cut,
    imported_ids,
    nothing_changes,
    write,
)

# What is not taken, and why


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


# Bounded memory


@pytest.mark.django_db
@pytest.mark.long
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


# All or nothing


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["title.basics", "name.basics"])
@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_dump_gets_one_line_and_status_2_and_changes_nothing(folder, name, how):
    spoil_it, says = WRONG[how]
    spoil_it(folder / f"{name}.tsv.gz")

    with nothing_changes(), pytest.raises(CommandError, match=says) as refused:
        call_command("import_imdb", str(folder), replace=True)

    assert refused.value.returncode == 2
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.django_db
def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path):
    folder = write(tmp_path, [*FILMS, "A" * 5_000_000])

    with nothing_changes(), pytest.raises(dumps.DumpError, match="a line of more than 1,048,576"):
        imdb.import_films(folder, replace=True)
