"""Test the settings of a public lab, and that a checkout may have any name."""

import os
import subprocess
import sys

import pytest

from tests.support.labs import ROOT, manage

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
        ({"PERFLAB_TOOLBAR": "1"}, "PERFLAB_TOOLBAR"),
        ({"PERFLAB_LOCAL": "always"}, "PERFLAB_LOCAL must be never"),
        ({"PERFLAB_LOCAL": "loopback"}, "PERFLAB_LOCAL must be never"),
        ({"PERFLAB_LOCAL": "all"}, "PERFLAB_LOCAL must be loopback or never or always"),
        ({"CSRF_TRUSTED_ORIGINS": "lab.example.org"}, "CSRF_TRUSTED_ORIGINS must list"),
        ({"CSRF_TRUSTED_ORIGINS": "https://a.example/, https://b.example"}, "without a path"),
        ({"PERFLAB_PUBLIC": "maybe"}, "PERFLAB_PUBLIC must be 1 or 0"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "PostgreSQL or SQLite"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
    ],
)
def test_a_public_lab_refuses_to_start_without_its_secrets(change, words):
    done = run_check(**{**PUBLIC, **change})

    assert done.returncode == 1
    assert done.stderr.startswith("perflab: ")
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


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
