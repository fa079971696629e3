"""Provide checkouts for the launcher, and a lab that it runs."""

import shutil
from pathlib import Path

import pytest

from tests.support.launcher import checkout, furnish, started
from tests.support.services import temporary_folder


@pytest.fixture(scope="package")
def furnished(may_start_servers):
    """A checkout with its environment, database and static files: tests start the lab in it."""
    folder = temporary_folder()
    place = checkout(folder / "lab")
    furnish(place)
    yield place
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def running(furnished):
    """A lab that tests share, in a `var/` of its own: three workers of two threads, and Valkey."""
    var = str(furnished.parent / "shared")
    options = {"WEB_CONCURRENCY": "3", "PERFLAB_VAR": var}
    with started(furnished, "--threads", "2", **options) as launcher:
        launcher.var = Path(var)
        yield launcher


@pytest.fixture
def bare(may_start_servers):
    """A checkout as it is after `git clone`."""
    folder = temporary_folder()
    yield checkout(folder / "lab")
    shutil.rmtree(folder, ignore_errors=True)
