"""Test pages without a database."""

import pytest

from tests.support.labs import visit

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.mark.usefixtures("may_start_servers")
def test_a_database_without_tables_is_told_what_to_run(tmp_path):
    output = visit("/films/", DATABASE_URL="", PERFLAB_VAR=str(tmp_path))

    assert output.startswith("503")
    assert "The database has no tables yet" in output
    assert "manage.py migrate" in output


@pytest.mark.usefixtures("may_start_servers")
def test_what_needs_no_database_is_served_without_one(tmp_path):
    assert visit("/", DATABASE_URL="", PERFLAB_VAR=str(tmp_path)).startswith("200")
