"""Provide a folder for a lab of its own, with the films in it."""

import subprocess

import pytest

from tests.support.load_command import started
from tests.support.services import temporary_folder


@pytest.fixture
def var(seeded_database):
    """A folder for a lab of its own, with the films in it."""
    folder = temporary_folder()
    seeded_database.copy_to(folder / "perflab.sqlite3")
    yield folder
    for process in started(folder):
        process.kill()
    subprocess.run(["rm", "-r", str(folder)], check=True)
