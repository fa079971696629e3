"""Prepare the lab: database, films, static files. The environment's Python runs this.

It is one process, since Django takes longer to load than the preparation takes. It is left out when
nothing has changed since the last time (`is_prepared`, which needs no Django).
"""

import argparse
import contextlib
import hashlib
import sqlite3
import sys
import traceback
from pathlib import Path

from perflab.base.config import Problem, read_variable
from perflab.base.entry import prepare_django
from perflab.base.files import read_json, write_json
from perflab.base.paths import ROOT
from perflab.base.sqlite_file import check_sqlite_file

FILMS = 1851  # the real films
# What the settings read, without the addresses of caches: nothing is prepared in a cache.
VARIABLES = (
    *("DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG"),
    *("PERFLAB_PUBLIC", "PERFLAB_HTTPS", "PERFLAB_LOCAL", "PERFLAB_TOOLBAR"),
)


def is_prepared(var, movies=None):
    """Return whether files and settings are the same as last time, with films in the database.

    Only the lab's own SQLite database is checked here. Any other one is prepared at every start.
    """
    try:
        stamp = read_json(var / "prepared.json", dict, default={})
        return (
            not read_variable("DATABASE_URL")
            and stamp["fingerprint"] == fingerprint()
            and (movies is None or stamp["movies"] == movies)
            and (var / "static" / "staticfiles.json").exists()
            and have_rows(var / "perflab.sqlite3", stamp["tables"])
        )
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
        return False


def have_rows(path, tables):
    """Return whether each of these tables of a SQLite file still has rows."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return bool(tables) and all(
            database.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone() for table in tables
        )


def fingerprint():
    """Return a digest of what the preparation depends on: our files, and the environment."""
    digest = hashlib.sha256()
    ours = (path for folder in ("perflab", "movies") for path in (ROOT / folder).rglob("*"))
    for path in (ROOT / "requirements.lock", *sorted(ours)):
        if "__pycache__" not in path.parts and path.is_file():
            found = path.stat()
            digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    for name in VARIABLES:
        digest.update(f"{name}={read_variable(name)}\n".encode())
    return digest.hexdigest()


def prepare(movies):
    """Migrate, seed, and collect the static files.

    `movies` is the number of films; with None the real ones are there afterwards.
    """
    import django
    from django.conf import settings
    from django.core.management import call_command

    before = fingerprint()
    check_sqlite_file(settings.DATABASES["default"])
    django.setup()
    stamp = settings.VAR / "prepared.json"
    stamp.unlink(missing_ok=True)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("seed", movies=movies or FILMS)  # seed never deletes films
    call_command("collectstatic", interactive=False, verbosity=0)
    write_json(stamp, {"fingerprint": before, "movies": movies or FILMS, "tables": tables_in_use()})


def tables_in_use():
    """Return the names of the database's tables that have rows."""
    from django.apps import apps

    models = apps.get_models(include_auto_created=True)
    return [m._meta.db_table for m in models if m._meta.managed and m.objects.exists()]


def main():
    """Prepare the lab as the command line says; end with one line where that fails."""
    parser = argparse.ArgumentParser(prog="perflab.launcher.prepare")
    parser.add_argument("--movies", type=int)
    try:
        prepare_django()
        prepare(parser.parse_args().movies)
    except Problem as problem:
        sys.exit(f"perflab: {problem}")
    except Exception as error:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import CommandError
        from django.db import Error

        message = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, (ImproperlyConfigured, CommandError)):
            sys.exit(f"perflab: {message}")
        if isinstance(error, Error):
            sys.exit(f"perflab: the database: {message}")
        if isinstance(error, OSError):
            sys.exit(f"perflab: {message}")
        with contextlib.suppress(OSError):
            Path(read_variable("PERFLAB_VAR"), "log", "prepare.log").write_text(
                traceback.format_exc()
            )
        sys.exit(f"perflab: cannot prepare the lab: {type(error).__name__}: {message}")


if __name__ == "__main__":
    main()
