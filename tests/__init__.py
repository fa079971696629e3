"""The tests, in the folders of what they test; what crosses packages lies here."""

import pytest

# A failed assertion of a helper is explained like one of a test.
pytest.register_assert_rewrite("tests.support")
