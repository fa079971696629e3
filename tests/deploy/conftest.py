"""Provide a folder for the files of a balancer."""

import shutil

import pytest

from tests.support.services import temporary_folder


@pytest.fixture
def var():
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
