"""Test cache-backends: which cache answers each variant, and where it keeps the copy."""

import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection

from perflab.catalogue import registry
from tests.support.experiments import address
from tests.support.figures import timing

pytestmark = pytest.mark.django_db
BACKENDS = [variant.name for variant in registry.get("cache-backends").variants]


def test_every_configured_cache_is_compared():
    assert set(BACKENDS) == {"database", "file", *settings.LAB_CACHES}


@pytest.mark.parametrize("variant", BACKENDS)
def test_the_variants_own_cache_answers_whatever_the_knob_says(
    client, fresh, variant, faulty_cache
):
    path = address("cache-backends", variant, **fresh)

    first, second = timing(client.get(path)), timing(client.get(path))

    assert {call.alias for call in faulty_cache.calls} == {variant}
    assert (first["calls"], first["misses"]) == (2, 1)
    assert (second["calls"], second["hits"], second["errors"]) == (1, 1, 0)


def rows_in_table():
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM lab_cache")
        return cursor.fetchone()[0]


def test_the_migration_makes_the_table_that_the_settings_name(client, fresh):
    (operation,) = import_module("perflab.migrations.0001_cache_table").Migration.operations
    editor = SimpleNamespace(
        connection=connection,
        execute=lambda sql: connection.cursor().execute(sql),
        quote_name=connection.ops.quote_name,
    )
    table = settings.CACHE_BACKENDS["database"]["LOCATION"]

    operation.reverse_code(None, editor)
    assert table not in connection.introspection.table_names()
    operation.code(None, editor)

    path = address("cache-backends", "database", **fresh)
    assert [timing(client.get(path))["hits"] for _ in range(2)] == [0, 1]


def test_the_database_variant_writes_to_its_table(client, fresh):
    before = rows_in_table()

    client.get(address("cache-backends", "database", **fresh))

    assert rows_in_table() == before + 1


def test_the_file_variant_writes_to_a_file_in_var(client, fresh):
    folder = settings.VAR / "cache"
    before = set(folder.glob(f"*{FileBasedCache.cache_suffix}"))

    client.get(address("cache-backends", "file", **fresh))

    assert set(folder.glob(f"*{FileBasedCache.cache_suffix}")) > before


def test_neither_joins_the_knob(client):
    for alias in ("file", "database"):
        assert client.get(address("cache-page", "fast", cache=alias)).status_code == 400


@pytest.mark.parametrize("backend", [FileBasedCache, LocMemCache])
def test_add_lets_two_be_the_first_in_the_file_cache_alone(backend, tmp_path, monkeypatch):
    cache = backend(str(tmp_path), {})
    together = threading.Barrier(2)  # both have looked before one of them writes
    look = FileBasedCache.has_key

    def look_together(self, key, version=None):
        found = look(self, key, version)
        together.wait(60)
        return found

    monkeypatch.setattr(FileBasedCache, "has_key", look_together)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda number: cache.add("lock", number), range(2)))

    assert sorted(told) == ([True, True] if backend is FileBasedCache else [False, True])


def test_the_file_cache_lists_its_folder_with_every_set(tmp_path, monkeypatch):
    listed = []
    list_files = FileBasedCache._list_cache_files
    monkeypatch.setattr(
        FileBasedCache, "_list_cache_files", lambda self: listed.append(1) or list_files(self)
    )
    cache = FileBasedCache(str(tmp_path), {})

    for number in range(3):
        cache.set(f"page-{number}", "a page")
        cache.get(f"page-{number}")

    assert len(listed) == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")
@pytest.mark.parametrize(
    ("before_s", "told"), [(None, [False, True]), (-10, [True, True])], ids=["none", "expired"]
)
def test_add_lets_two_be_the_first_in_a_table_where_an_old_entry_has_expired(before_s, told):
    cache = DatabaseCache(settings.CACHE_BACKENDS["database"]["LOCATION"], {})
    together = threading.Barrier(2)  # both have looked before one of them writes

    def look_together(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if sql.startswith('SELECT "cache_key", "expires"'):
            together.wait(60)
        return found

    def add(number):
        try:
            with connection.execute_wrapper(look_together):
                return cache.add("a-lock-of-two", number)
        finally:
            connection.close()

    def prepare(timeout):
        try:
            cache.delete("a-lock-of-two")
            return timeout is None or cache.set("a-lock-of-two", 0, timeout)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:  # with connections that are in no test's transaction
        pool.submit(prepare, before_s).result()
        found = sorted(pool.map(add, range(2)))
        pool.submit(prepare, None).result()

    assert found == told
