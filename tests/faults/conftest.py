"""The labs that the tests of faults share: one with sync workers, one with threads."""

import pytest

from tests.support.labs import Lab

SHAPES = {"sync": {"workers": 2}, "gthread": {"workers": 1, "threads": 4}}


@pytest.fixture(scope="session", params=SHAPES)
def any_lab(request, seeded_database):
    """A real lab of each worker class. Tests leave it as they found it."""
    with Lab(seeded_database, **SHAPES[request.param], PERFLAB_TOOLBAR="0") as lab:
        yield lab
