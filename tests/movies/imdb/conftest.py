"""Provide folders of IMDb's dumps."""

import pytest

# pytest may import this file before Django is set up: the functions import what needs models.


@pytest.fixture
def folder(tmp_path):
    from tests.support.imdb_dumps import write

    return write(tmp_path)


@pytest.fixture
def irregular(tmp_path):
    """Dumps with every irregularity, and the films of FILMS and PARTLY among them."""
    from tests.support.imdb_dumps import (
        CREW,
        FILMS,
        IRREGULAR,
        NAMES,
        PARTLY,
        RATINGS,
        STRANGERS,
        UNDIRECTED,
        UNDIRECTED_CREW,
        write,
    )

    lines = {
        name: [line for group in why.values() for line in group] for name, why in IRREGULAR.items()
    }
    return write(
        tmp_path,
        [*FILMS, *lines["title.basics"], *UNDIRECTED, PARTLY],
        [*CREW, *lines["title.crew"], *UNDIRECTED_CREW, *STRANGERS],
        [*NAMES, *lines["name.basics"]],
        [*RATINGS, *lines["title.ratings"]],
    )
