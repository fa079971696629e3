"""What a number of queries does not say of the lessons on queries: plans, columns, instances."""

import difflib
import inspect
import re
import sqlite3
from contextlib import closing, contextmanager
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.signals import post_init
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext

from movies.experiments import index_price
from movies.models import IndexedLoan, Loan, Movie, Review
from perflab import caches
from perflab.catalogue import registry, sources
from perflab.compare.promises import fetch
from perflab.measure import server_timing
from tests.labs import manage

pytestmark = pytest.mark.django_db
ROWS = 25
LADDER = [variant.name for variant in registry.get("ladder").ladder]
TEMPLATE, VALUES_TEMPLATE = "movies/programme_list.html", "movies/programme_values_list.html"


def visit(slug, name, rows=ROWS):
    """One response of a variant, and the statements that it took."""
    experiment = registry.get(slug)
    with CaptureQueriesContext(connection) as captured:
        response = fetch(experiment, experiment.variant(name), rows, "locmem")
    assert response.status_code == 200
    asked = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "INSERT"))]
    return response, asked


def page(slug, name):
    return visit(slug, name)[0].content.decode()


def statements(slug, name, rows=ROWS):
    return visit(slug, name, rows)[1]


def columns(statement):
    """The columns that a statement selects, by their names alone."""
    return re.findall(r'"(\w+)"(?: AS "\w+")?(?:,|$)', statement[: statement.index(" FROM ")])


@contextmanager
def made(model):
    """Count the instances that are made of a model while the block runs."""
    count = SimpleNamespace(instances=0)

    def one_more(**kwargs):
        count.instances += 1

    post_init.connect(one_more, sender=model)
    try:
        yield count
    finally:
        post_init.disconnect(one_more, sender=model)


@contextmanager
def rendered():
    """Collect the names of the templates that are rendered while the block runs."""
    names = []

    def one_more(template, **kwargs):
        names.append(template.name)

    template_rendered.connect(one_more)
    try:
        yield names
    finally:
        template_rendered.disconnect(one_more)


def plan(statement):
    """The database's plan for a statement, as text."""
    words = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{words} {statement}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


# prefetch-undone


def test_only_the_praise_that_is_shown_is_fetched_beforehand():
    films = Movie.objects.order_by("id")[:ROWS]
    praise = Review.objects.filter(movie__in=films, score__gte=9).count()

    with made(Review) as reviews:
        visit("prefetch-undone", "prefetched")

    assert reviews.instances == praise > 0


def test_an_undone_prefetch_has_fetched_all_reviews_for_nothing():
    films = Movie.objects.order_by("id")[:ROWS]
    everything = Review.objects.filter(movie__in=films).count()

    with made(Review) as undone:
        visit("prefetch-undone", "undone")
    with made(Review) as unprefetched:
        visit("prefetch-undone", "unprefetched")

    assert undone.instances == everything + unprefetched.instances


# count-exists


def test_counting_in_the_database_makes_no_review():
    with made(Review) as slow:
        visit("count-exists", "slow")
    with made(Review) as fast:
        visit("count-exists", "fast")

    of_these_films = Review.objects.filter(movie__in=Movie.objects.order_by("id")[:ROWS])
    raves = of_these_films.filter(score=10)
    assert slow.instances == of_these_films.count() + raves.count()
    assert fast.instances == 0


def test_the_database_is_asked_for_a_number_and_for_one_row():
    number, one, _ = statements("count-exists", "fast")

    assert number.startswith("SELECT COUNT(*)")
    assert one.startswith("SELECT 1 ")
    assert one.endswith("LIMIT 1")


# wide-rows


def test_each_variant_fetches_fewer_columns_than_the_one_before():
    fetched = {
        variant.name: columns(statements("wide-rows", variant.name)[0])
        for variant in registry.get("wide-rows").variants
    }

    assert "synopsis" in fetched["everything"]
    assert set(fetched["everything"]) - set(fetched["defer"]) == {"synopsis"}
    assert fetched["only"] == ["id", "title", "year"]
    assert fetched["values-list"] == ["title", "year"]


@pytest.mark.parametrize(
    ("variant", "instances"),
    [("everything", ROWS), ("defer", ROWS), ("only", ROWS), ("values-list", 0)],
)
def test_only_values_do_without_instances(variant, instances):
    with made(Movie) as films:
        visit("wide-rows", variant)

    assert films.instances == instances


# aggregates


@pytest.mark.parametrize("variant", ["loop", "join", "subquery"])
def test_the_figures_are_right_to_the_digit_on_both_databases(variant):
    shown = re.findall(r"<td>([\d,]+)</td><td>([\d.]*)</td></tr>", page("aggregates", variant))

    scores = [
        list(movie.reviews.values_list("score", flat=True))
        for movie in Movie.objects.order_by("id")[:ROWS]
    ]
    assert shown == [(f"{len(given):,}", average(given)) for given in scores]
    assert ("0", "") in shown


def average(scores):
    """The average as a page shows it, reckoned without a database and without a float."""
    if not scores:
        return ""
    exact = Decimal(sum(scores)) / len(scores)
    return str(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def test_the_join_groups_the_whole_collection_on_sqlite_and_the_page_on_postgresql():
    (join,) = statements("aggregates", "join")

    if connection.vendor == "sqlite":
        assert "USE TEMP B-TREE" in plan(join)
    else:
        assert "GroupAggregate" in plan(join)
        assert "HashAggregate" not in plan(join)
        assert "using movies_movie_pkey" in plan(join)


def test_the_subquery_sorts_nothing_and_finds_each_films_reviews_by_their_index():
    (subquery,) = statements("aggregates", "subquery")

    explained = plan(subquery)

    assert explained.count("movies_review_movie_id") >= 2
    assert "TEMP B-TREE" not in explained
    assert not re.search(r"^Sort|-> +Sort", explained, re.MULTILINE)


# ladder


@pytest.mark.parametrize(("lower", "upper"), list(zip(LADDER, LADDER[1:], strict=False)))
def test_neighbouring_variants_differ_in_a_few_lines(lower, upper):
    one, other = (code_of(registry.get("ladder").variant(name).view) for name in (lower, upper))

    changed = [line for line in difflib.ndiff(one, other) if line.startswith(("- ", "+ "))]
    removed = [line for line in changed if line.startswith("- ")]

    assert 1 <= len(changed) - len(removed) <= 3
    assert len(removed) <= 5


def code_of(view):
    """The lines of a view without its name and comments."""
    lines = inspect.getsource(view).splitlines()
    return [line for line in lines if not line.strip().startswith(("def ", "#"))]


def test_the_ladder_leaves_out_columns_then_instances():
    assert "synopsis" in columns(statements("ladder", "prefetch-related")[0])
    assert columns(statements("ladder", "only")[0]).count("id") == 2  # the film's, its director's
    assert "synopsis" not in columns(statements("ladder", "only")[0])

    with made(Movie) as films:
        visit("ladder", "values")

    assert films.instances == 0


@pytest.mark.parametrize(
    ("variant", "renders", "calls"),
    [("cached-data", True, 1), ("cached-html", False, 1), ("cache-page", False, 2)],
)
def test_what_is_cached_is_not_done_again(variant, renders, calls):
    caches.flush("ladder")
    visit("ladder", variant)

    with rendered() as templates:
        response, asked = visit("ladder", variant)

    assert asked == []
    assert bool(templates) == renders
    assert server_timing.load(response["Server-Timing"])["calls"] == calls


def test_the_bare_view_stands_beside_the_ladder():
    assert registry.get("ladder").variants[-1].reference
    assert "bare" not in LADDER
    assert page("ladder", "bare") == "ok"


def test_of_the_ladders_code_just_what_is_new_on_a_variant_is_marked():
    ladder = registry.get("ladder")
    marked = {
        name: {text.name: text.html.count('class="hll"') for text in texts}
        for name, texts in sources.variant_sources("ladder", ladder.variants).items()
    }

    assert marked["prefetch-related"] == {"prefetch-related()": 2, TEMPLATE: 0}  # with its comment
    assert marked["values"][VALUES_TEMPLATE] == 2
    assert marked["cached-html"]["programme()"] == marked["cached-html"][VALUES_TEMPLATE] == 0


# missing-index


def test_one_variant_reads_the_whole_table_and_the_other_goes_by_the_index():
    (slow,), (fast,) = (statements("missing-index", name) for name in ("slow", "fast"))

    if connection.vendor == "sqlite":
        assert re.search(r"SCAN movies_movie$", plan(slow), re.MULTILINE)
        assert "USE TEMP B-TREE FOR ORDER BY" in plan(slow)
        assert "SEARCH movies_movie USING INDEX movies_movie_register_indexed" in plan(fast)
    else:
        assert "Seq Scan on movies_movie" in plan(slow)
        assert "Index Scan using movies_movie_register_indexed" in plan(fast)
    assert "Sort" not in plan(fast)
    assert "TEMP B-TREE" not in plan(fast)


def register_number(pk):
    """The number in the register, reckoned without a database."""
    box, place = divmod(pk, 1024)
    return box * 1024 + place * 397 % 1024


def test_the_two_columns_hold_the_same_scattered_numbers():
    numbers = dict(Movie.objects.values_list("id", "register"))

    assert not Movie.objects.exclude(register=F("register_indexed")).exists()
    assert all(number == register_number(pk) for pk, number in numbers.items())
    assert len(set(numbers.values())) == len(numbers)
    in_register = Movie.objects.order_by("register").values_list("id", flat=True)
    neighbours = list(zip(in_register, in_register[1:], strict=False))
    assert not [pair for pair in neighbours if abs(pair[0] - pair[1]) < 10]


def test_a_film_that_is_new_is_entered_in_the_register():
    film = Movie.objects.create(title="New", year=2026, minutes=90, synopsis="", director_id=1)

    film.refresh_from_db()

    assert film.register == film.register_indexed == register_number(film.pk)


def test_films_of_an_older_lab_are_entered_and_the_planner_is_told(tmp_path):
    lab = {"PERFLAB_VAR": str(tmp_path), "DATABASE_URL": "", "PERFLAB_TOOLBAR": "0"}
    manage("migrate", "movies", "0002", "--verbosity=0", **lab)
    with closing(sqlite3.connect(tmp_path / "perflab.sqlite3")) as database, database:
        database.execute("INSERT INTO movies_director (name) VALUES ('A')")
        database.execute(
            "INSERT INTO movies_movie (title, original_title, year, minutes, synopsis, director_id)"
            " VALUES ('Old', '', 1946, 90, '', 1)"
        )

    manage("migrate", "--verbosity=0", **lab)

    with closing(sqlite3.connect(tmp_path / "perflab.sqlite3")) as database:
        numbers = database.execute("SELECT register, register_indexed FROM movies_movie")
        assert numbers.fetchall() == [(397, 397)]
        known = database.execute("SELECT COUNT(*) FROM sqlite_stat1 WHERE tbl = 'movies_movie'")
        assert known.fetchone()[0] > 0


# index-price


def test_the_tables_differ_in_their_indexes_alone():
    def indexes(model):
        with connection.cursor() as cursor:
            table = connection.introspection.get_constraints(cursor, model._meta.db_table)
        return sorted(one["columns"] for one in table.values() if one["index"])

    assert indexes(Loan) == []
    assert indexes(IndexedLoan) == [["borrower"], ["days"], ["film"], ["shelf"]]
    assert [(field.name, field.db_type(connection)) for field in Loan._meta.fields] == [
        (field.name, field.db_type(connection)) for field in IndexedLoan._meta.fields
    ]


@pytest.mark.parametrize(("variant", "model"), [("slow", IndexedLoan), ("fast", Loan)])
@pytest.mark.parametrize("loans", [5_000, 10_000])
def test_so_many_loans_are_written_and_nothing_stays(variant, model, loans, rf, monkeypatch):
    transaction = index_price.transaction
    written = {}

    def roll_back(value):
        written.update({table: table.objects.count() for table in (Loan, IndexedLoan)})
        transaction.set_rollback(value)

    calibrated = SimpleNamespace(atomic=transaction.atomic, set_rollback=roll_back)
    monkeypatch.setattr(index_price, "transaction", calibrated)
    registry.get("index-price").variant(variant).view(rf.get("/"), rows=ROWS, loans=loans)

    assert written == {Loan: 0, IndexedLoan: 0, model: loans}
    assert not Loan.objects.exists()
    assert not IndexedLoan.objects.exists()
