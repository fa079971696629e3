"""Test the order of the runs."""

import pytest

from perflab.compare.rounds import order_of_turn


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_variant_comes_first_as_often_as_any_other(count):
    variants = list("abcd"[:count])

    turns = [order_of_turn(variants, number) for number in range(count * 2)]

    assert all(sorted(one) == variants for one in turns)
    for place in range(count):
        assert sorted(one[place] for one in turns) == sorted(variants * 2)
