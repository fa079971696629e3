"""Test that an import replaces all films or none, and what seeding does afterwards."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from movies import imdb, seeding
from movies.models import Movie, Seeding
from movies.seeding import rows, writing
from tests.support.imdb_dumps import IMPORTED, everything, imported_ids, nothing_changes, write

# All or nothing


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("dump", "says"),
    [({"films": []}, "they hold none"), ({"crew": []}, "4 films without a director")],
    ids=["no film", "no director"],
)
def test_dumps_without_a_film_that_can_be_used_change_nothing(tmp_path, dump, says):
    with nothing_changes(), pytest.raises(CommandError, match=says) as refused:
        call_command("import_imdb", str(write(tmp_path, **dump)), replace=True)

    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_films_that_are_there_are_only_replaced_when_asked(folder):
    with nothing_changes(), pytest.raises(CommandError, match="1,851 films; --replace") as refused:
        call_command("import_imdb", str(folder))

    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_empty_tables_need_no_asking(folder):
    with connection.cursor() as cursor:
        writing.delete_all(cursor)
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
