"""Test the settings of a public lab, and that a checkout may have any name."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from perflab.base import secret_keys
from tests.support.labs import ROOT, manage
from tests.support.services import free_port

pytestmark = pytest.mark.django_db
SECRETS = {"SECRET_KEY": "a-key-of-0123456789-ABCDEFGHIJ-klmnopqrstuvwxyz-long-enough"}
PUBLIC = {"PERFLAB_PUBLIC": "1", "ALLOWED_HOSTS": "lab.example.org", **SECRETS}


def run_check(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.usefixtures("may_start_servers")
def test_deployment_checks_are_clean_in_public_mode():
    done = run_check("--deploy", "--fail-level=WARNING", **PUBLIC)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"SECRET_KEY": "abcde" * 10}, "SECRET_KEY"),
        ({"SECRET_KEY": "correct horse " * 6}, "SECRET_KEY"),
        ({"SECRET_KEY": f"django-insecure-{SECRETS['SECRET_KEY']}"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": ".com"}, "ALLOWED_HOSTS must list host names"),
        ({"ALLOWED_HOSTS": "lab.example.org, *"}, "ALLOWED_HOSTS must list host names"),
        ({"ALLOWED_HOSTS": "*.example.org"}, "ALLOWED_HOSTS must list host names"),
        ({"ALLOWED_HOSTS": "https://lab.example.org"}, "ALLOWED_HOSTS must list host names"),
        ({"ALLOWED_HOSTS": "lab.example.org:443"}, "ALLOWED_HOSTS must list host names"),
        ({"PERFLAB_TOOLBAR": "1"}, "PERFLAB_TOOLBAR"),
        ({"PERFLAB_LOCAL": "always"}, "PERFLAB_LOCAL must be never"),
        ({"PERFLAB_LOCAL": "loopback"}, "PERFLAB_LOCAL must be never"),
        ({"PERFLAB_LOCAL": "all"}, "PERFLAB_LOCAL must be loopback or never or always"),
        ({"CSRF_TRUSTED_ORIGINS": "lab.example.org"}, "CSRF_TRUSTED_ORIGINS must list"),
        ({"CSRF_TRUSTED_ORIGINS": "https://a.example/, https://b.example"}, "without a path"),
        ({"PERFLAB_PUBLIC": "maybe"}, "PERFLAB_PUBLIC must be 1 or 0"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "PostgreSQL or SQLite"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must name SQLite's file"),
        ({"DATABASE_URL": "sqlite://"}, "DATABASE_URL must name SQLite's file"),
        ({"DATABASE_URL": "sqlite:///file::memory:"}, "DATABASE_URL must name SQLite's file"),
        ({"DATABASE_URL": "sqlite://host/path"}, "DATABASE_URL names a host"),
        ({"DATABASE_URL": "sqlite:////usr"}, "is a folder"),
        ({"DATABASE_URL": "sqlite:////dev/null"}, "is a device or a pipe"),
        ({"DATABASE_URL": "sqlite:////tmp/a%00b"}, "a NUL byte"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all"}, "no folder"),
        ({"DATABASE_URL": f"sqlite:///{__file__}"}, "is not a SQLite database"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must be like"),
        ({"REDIS_URL": "localhost"}, "REDIS_URL must be like"),
        ({"REDIS_URL": "redis+sentinel://host:26379/0"}, "REDIS_URL must be like"),
        ({"REDIS_URL": "http://host:6379/0"}, "REDIS_URL must be like"),
        ({"REDIS_URL": "redis://host:port/0"}, "REDIS_URL must be like"),
        ({"REDIS_URL": "redis://:a/b@host:6379/0"}, "in a password, / is %2F"),
        ({"REDIS_URL": "redis://host:6379/films"}, "the number of a database"),
        ({"REDIS_URL": "redis://host:6379/0?colour=red"}, "REDIS_URL has a wrong option"),
        ({"REDIS_URL": "redis://host:6379/0?protocol=9"}, "REDIS_URL has a wrong option"),
        ({"REDIS_URL": "rediss://host/0?ssl_cert_reqs=x"}, "REDIS_URL has a wrong option"),
        ({"REDIS_URL": "unix://"}, "it has no path"),
        ({"MEMCACHED_URL": "memcached://user:password@host:11211"}, "cannot log in"),
        ({"MEMCACHED_URL": "http://host:11211"}, "MEMCACHED_URL must be like"),
        ({"MEMCACHED_URL": "host:port"}, "MEMCACHED_URL must be like"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_in_one_line(change, words):
    done = run_check(**{**PUBLIC, **change})

    assert done.returncode == 1
    assert done.stderr.startswith("perflab: ")
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr
    assert "a/b" not in done.stderr  # a password


@pytest.mark.usefixtures("may_start_servers")
def test_a_public_lab_has_low_ceilings_and_no_toolbar():
    script = (
        "from django.conf import settings; print(settings.MAX_MOVIES, settings.MAX_ROUND_TRIP_MS, "
        "any('toolbar' in app for app in settings.INSTALLED_APPS))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "perflab.settings", **PUBLIC},
        capture_output=True,
        text=True,
    )

    assert done.stdout.split() == ["200", "5", "False"], done.stderr


@pytest.mark.usefixtures("may_start_servers")
def test_a_checkout_may_lie_under_any_name(tmp_path):
    folder = tmp_path / "a#b" / "a?b" / "a%20b" / "a b" / "ä"
    script = "from django.conf import settings; print(settings.DATABASES['default']['NAME'])"

    found = manage("shell", "--no-imports", "-c", script, PERFLAB_VAR=str(folder), DATABASE_URL="")

    assert found.strip() == str(folder / "perflab.sqlite3")


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(
    "address",
    [
        {"REDIS_URL": "redis://user:p%40ss@redis.example:6379/1"},
        {"REDIS_URL": "rediss://:secret@[::1]:6379?ssl_cert_reqs=none"},
        {"REDIS_URL": "unix:///run/redis.sock?db=2"},
        {"MEMCACHED_URL": "memcached://127.0.0.1:11211"},
        {"MEMCACHED_URL": "one:11211,two:11211"},
        {"MEMCACHED_URL": "unix:/run/memcached.sock"},
        {"MEMCACHED_URL": "/run/memcached.sock"},
        {"ALLOWED_HOSTS": ".example.org, 10.0.0.1, [fd00::1]", **PUBLIC},
    ],
)
def test_addresses_of_all_kinds_are_taken(address):
    done = run_check(**address)

    assert done.returncode == 0, done.stderr


@pytest.fixture
def foreign_settings(tmp_path):
    """The environment of a shell in which somebody works on another project."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/settings.py").write_text("raise SystemExit('the settings of the shop')")
    return {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": str(tmp_path)}


@pytest.mark.usefixtures("may_start_servers")
def test_the_settings_of_another_project_are_not_taken(foreign_settings, start_lab, tmp_path):
    done = run_check(**foreign_settings)
    prepared = subprocess.run(
        [sys.executable, "-m", "perflab.launcher.prepare", "--movies", "100"],
        cwd=ROOT,
        env={**os.environ, **foreign_settings, "PERFLAB_VAR": str(tmp_path), "DATABASE_URL": ""},
    )
    lab = start_lab(workers=1, **foreign_settings)

    assert done.returncode == prepared.returncode == 0
    assert lab.get("/films/").status == 200


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(
    "command", [["manage.py", "check"], ["-m", "perflab.launcher.prepare"], ["-m", "gunicorn"]]
)
def test_an_old_django_on_the_path_is_said_in_one_line(tmp_path, command):
    (tmp_path / "django").mkdir()
    (tmp_path / "django/__init__.py").write_text("VERSION = (3, 2, 25, 'final', 0)")

    done = subprocess.run(
        [sys.executable, *command, *(["perflab.wsgi"] if "gunicorn" in command else [])],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"perflab: this is Django 3.2.25, from {tmp_path}/django")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize("address", ["0.0.0.0:{}", "0:{}", "[::]:{}", "192.0.2.1:{}"])
def test_runserver_does_not_listen_for_others_unless_the_lab_is_public(address):
    done = subprocess.run(
        [sys.executable, "manage.py", "runserver", address.format(free_port())],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert "PERFLAB_PUBLIC=1" in done.stderr


@pytest.mark.parametrize("left", ["", "\n", "short", "\0" * 60])
def test_a_key_that_is_no_key_is_made_anew_once_for_all(tmp_path, left):
    path = tmp_path / "secret_key"
    path.write_text(left)

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(secret_keys.read_or_make_key, [path] * 40))

    [key] = keys
    assert len(key) > 50
    assert path.read_text() == key
    assert path.stat().st_mode & 0o077 == 0
