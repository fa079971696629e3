"""Test the visitor's browser: which connection gets which file, and what it keeps."""

import pytest

from movies.distance.visitor import deal, may_be_kept


def test_a_file_goes_to_the_connection_that_is_free_first():
    assert deal("abcdef", 3, keep_alive=True) == [["a", "b", "e"], ["c", "f"], ["d"]]
    assert deal("abcdef", 1, keep_alive=True) == [list("abcdef")]
    assert deal("abcdef", 3, keep_alive=False) == [["a", "d"], ["b", "e"], ["c", "f"]]
    assert deal("", 2, keep_alive=True) == [[], []]


@pytest.mark.parametrize(
    ("cache_control", "kept"),
    [
        ("public, max-age=31536000, immutable", True),
        ("max-age=1", True),
        ("max-age=0", False),
        ("max-age=x", False),
        ("no-cache", False),
        ("", False),
    ],
)
def test_a_browser_keeps_what_it_is_told_to_keep(cache_control, kept):
    assert may_be_kept(cache_control) is kept
