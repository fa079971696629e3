"""Test that a start prepares what is gone and nothing else."""

import contextlib
import sqlite3

from tests.support.launcher import started


def test_a_start_prepares_what_is_gone_and_nothing_else(furnished, monkeypatch):
    from perflab.launcher import prepare

    var = furnished / "var"
    with started(furnished, "--workers", "1", "--movies", "1852"):
        pass
    monkeypatch.setattr(prepare, "ROOT", furnished)
    for name in prepare.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert prepare.is_prepared(var)
    assert prepare.is_prepared(var, movies=1852)
    assert not prepare.is_prepared(var, movies=1853)

    monkeypatch.setenv("PERFLAB_TOOLBAR", "0")
    assert not prepare.is_prepared(var)
    monkeypatch.delenv("PERFLAB_TOOLBAR")

    migration = furnished / "movies" / "migrations" / "9999_new.py"
    migration.touch()
    assert not prepare.is_prepared(var)
    migration.unlink()

    manifest = var / "static" / "staticfiles.json"
    manifest.rename(manifest.with_suffix(".away"))
    assert not prepare.is_prepared(var)
    manifest.with_suffix(".away").rename(manifest)
    assert prepare.is_prepared(var)

    with contextlib.closing(sqlite3.connect(var / "perflab.sqlite3")) as database:
        database.execute("DELETE FROM movies_review")
        database.commit()
    assert not prepare.is_prepared(var)

    for path in var.glob("perflab.sqlite3*"):
        path.unlink()
    with started(furnished, "--workers", "1") as launcher:
        assert "Preparing" in launcher.said
        assert "film" in launcher.page("films/1851/").lower()
