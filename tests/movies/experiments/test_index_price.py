"""Test index-price: the indexes of the two tables, and that no loan stays."""

from types import SimpleNamespace

import pytest
from django.db import connection

from movies.experiments import index_price
from movies.models import IndexedLoan, Loan
from perflab.catalogue import registry
from tests.support.experiments import ROWS

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize(("variant", "model"), [("slow", IndexedLoan), ("fast", Loan)])
def test_what_somebody_has_left_is_deleted_first(variant, model, rf):
    model.objects.create(film=1, borrower="Nobody", shelf=1, days=1)

    page = registry.get("index-price").variant(variant).view(rf.get("/"), rows=ROWS, loans=5_000)

    assert "Nobody" not in page.content.decode()
    assert not model.objects.exists()
