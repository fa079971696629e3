"""Test that seeding again changes nothing, and what it leaves alone."""

import pytest
from django.apps import apps

from movies import seeding
from movies.models import (
    Country,
    Director,
    Draft,
    IndexedLoan,
    Loan,
    Movie,
    Poll,
    Review,
    Screenplay,
    Seeding,
    Tonight,
)
from movies.seeding import rows, writing
from tests.support.databases import OLD


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


def fill_tables_of_experiments():
    Draft.objects.create(batch="x", title="x", year=1)
    Poll.objects.create(name="x", votes=1)
    for model in (Loan, IndexedLoan):
        model.objects.create(film=1, borrower="x", shelf=1, days=1)
    Tonight.change()


@pytest.mark.django_db
def test_reset_empties_the_tables_into_which_experiments_write():
    fill_tables_of_experiments()

    seeding.seed(20, reset=True)

    for model in (Draft, Loan, IndexedLoan, Poll, Tonight):
        assert not model.objects.exists(), model
    assert Tonight.now().film_id == 1


@pytest.mark.django_db
def test_without_reset_they_stay_as_they_are():
    fill_tables_of_experiments()

    seeding.seed()

    assert Loan.objects.count() == 1
    assert Tonight.objects.count() == 1


def test_reset_knows_of_every_table_of_ours():
    models = apps.get_app_config("movies").get_models(include_auto_created=True)

    kept = {Screenplay._meta.db_table, Seeding._meta.db_table}  # the first: a migration's
    tables = {model._meta.db_table for model in models} - kept

    assert tables == {*writing.TABLES, *writing.OF_EXPERIMENTS}


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
def test_progress_is_reported_stage_by_stage():
    reports = []

    summary = seeding.seed(4_000, progress=lambda *what: reports.append(what))

    stages = list(dict.fromkeys(stage for stage, _, _ in reports))
    assert stages == ["writing", "analysing the tables", "tidying up"]
    assert [films for stage, films, _ in reports if stage == "writing"] == [3702, 4000]
    assert reports[-1] == ("tidying up", 4000, summary.rows)
