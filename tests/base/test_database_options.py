"""Test what the options of DATABASE_URL become, and which are refused."""

import dj_database_url
import pytest

from perflab.base.database_options import move_options

POSTGRESQL = "postgres://user@host/name"


def settings_of(address):
    """Return Django's settings and what is wrong with the address."""
    database = dj_database_url.parse(address, conn_max_age=60)
    return database, move_options(database)


def test_without_options_nothing_changes():
    database, fault = settings_of(POSTGRESQL)

    assert not fault
    assert database == dj_database_url.parse(POSTGRESQL, conn_max_age=60)


@pytest.mark.parametrize(
    ("text", "is_disabled"), [("1", True), ("true", True), ("0", False), ("False", False)]
)
def test_server_side_cursors_can_be_switched_off(text, is_disabled):
    database, fault = settings_of(f"{POSTGRESQL}?disable_server_side_cursors={text}")

    assert not fault
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is is_disabled
    assert "disable_server_side_cursors" not in database.get("OPTIONS", {})


def test_connections_can_be_kept_for_less_long_or_not_at_all():
    assert settings_of(f"{POSTGRESQL}?conn_max_age=5")[0]["CONN_MAX_AGE"] == 5
    assert settings_of(f"{POSTGRESQL}?conn_max_age=0")[0]["CONN_MAX_AGE"] == 0


def test_a_pool_keeps_its_connections_itself_and_the_driver_gets_its_own_options():
    database, fault = settings_of(f"{POSTGRESQL}?pool=8&sslmode=require")

    assert not fault
    assert database["CONN_MAX_AGE"] == 0
    assert database["OPTIONS"].pop("pool")["max_size"] == 8
    assert database["OPTIONS"] == {"sslmode": "require"}
    assert "pool" not in settings_of(f"{POSTGRESQL}?pool=0")[0]["OPTIONS"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("disable_server_side_cursors=maybe", "has disable_server_side_cursors=maybe: it must be"),
        ("disable_server_side_cursors=1&disable_server_side_cursors=0", "it must be 1 or 0"),
        ("conn_max_age=-1", "has conn_max_age=-1: it must be a whole number"),
        ("conn_max_age=soon", "has conn_max_age=soon: it must be a whole number"),
        ("pool=many", "has pool=many: it must be a whole number from 0 to 64"),
        ("pool=65", "has pool=65: it must be a whole number from 0 to 64"),
        ("pool=2&conn_max_age=60", "has pool and conn_max_age"),
        ("cursor_factory=a", "has cursor_factory, which cannot be set in an address"),
        ("row_factory=a&sslmode=require", "has row_factory, which cannot be set in an address"),
        ("autocommit=0&context=1", "has autocommit and context, which cannot be set"),
    ],
)
def test_what_an_option_cannot_be_is_said(options, words):
    assert words in settings_of(f"{POSTGRESQL}?{options}")[1]


def test_sqlite_has_none_of_them():
    assert settings_of("sqlite:////tmp/x?pool=2")[1] == "has pool, which only PostgreSQL takes"
