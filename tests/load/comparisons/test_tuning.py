"""Test the comparison of settings on and off: what its figures mean, and a short run."""

import pytest

from perflab.base.network import Address
from perflab.load import plan
from perflab.load.comparisons import tuning, tuning_rounds
from tests.support.labs import ROOT
from tests.support.load_command import command, kept, started

ROUNDS = [10.0, 10.1, 10.2, 9.9, 10.3, 10.0]


def found(on, off, name="preload"):
    """A switch whose p50 was so in each round."""
    return tuning.compared(tuning.SWITCHES[name], {"p50_ms": on}, {"p50_ms": off})


# What figures mean. ----------------------------------------------------------------------------


def test_less_with_the_switch_on_is_a_gain():
    switch = found([0.8 * ms for ms in ROUNDS], ROUNDS)

    assert switch["ratios"]["p50_ms"]["ratio"] == pytest.approx(0.8)
    assert switch["verdict"] == "preload: on it gains p50 20 % less; off by default."


def test_more_with_the_switch_on_is_a_cost():
    switch = found([1.5 * ms for ms in ROUNDS], ROUNDS)

    assert switch["verdict"] == "preload: on it costs p50 50 % more; off by default."


def test_a_gain_and_a_cost_are_both_told():
    on = {"p50_ms": ROUNDS, "memory_mb": [0.5 * mb for mb in ROUNDS]}
    off = {"p50_ms": [0.5 * ms for ms in ROUNDS], "memory_mb": ROUNDS}

    switch = tuning.compared(tuning.SWITCHES["gc-freeze"], on, off)

    assert switch["verdict"] == (
        "gc-freeze: on it gains memory 50 % less and costs p50 100 % more; on by default."
    )


@pytest.mark.parametrize(
    ("on", "off", "why"),
    [
        ([9.0, 11.0, 8.0, 12.0, 9.5, 10.5], ROUNDS, "the rounds do not agree"),
        ([0.98 * ms for ms in [10.0] * 6], [10.0] * 6, "2 % is not worth a setting"),
    ],
)
def test_what_is_chance_or_small_is_no_difference(on, off, why):
    assert "no measurable difference" in found(on, off)["verdict"], why


def test_three_rounds_are_too_few_to_tell():
    switch = found([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])

    assert "too few rounds to tell (at least 4)" in switch["verdict"]


# What is the default. --------------------------------------------------------------------------


@pytest.mark.parametrize("switch", tuning.SWITCHES.values(), ids=tuning.SWITCHES)
def test_both_ways_of_a_switch_are_different_and_one_is_the_labs_own(switch):
    ways = [(way.arguments, way.config, way.settings) for way in (switch.on, switch.off)]

    assert ways[0] != ways[1]
    assert switch.name == "keep-alive" or ways[switch.default == "off"] == ((), None, None)
    for name in filter(None, (switch.on.settings, switch.off.settings)):
        assert (ROOT / f"{name.replace('.', '/')}.py").exists()


# What is refused. ------------------------------------------------------------------------------


def test_a_page_that_is_not_found_ends_the_rounds(lab):
    with pytest.raises(plan.LoadRefused, match=r"/nowhere/ answers 404"):
        tuning_rounds.ask(Address("127.0.0.1", lab.port), "/nowhere/", 0.1, 2)


# Real runs. ------------------------------------------------------------------------------------


def test_a_switch_is_turned_in_rounds_and_kept(var):
    process = command(var, "load --tuning --switches preload --rounds 1 --duration 1s")

    output, errors = process.communicate(timeout=120)

    assert process.returncode == 0, errors
    run = kept(var)
    assert (run["kind"], run["state"], run["rounds"]) == ("tuning", "done", 1)
    assert run["path"] == "/experiments/n-plus-one/fast/"
    (switch,) = run["switches"]
    assert switch["name"] == "preload"
    assert set(switch["ratios"]) == set(tuning.FIGURES)
    assert all(len(v) == 1 for variant in switch["measured"].values() for v in variant.values())
    preload = switch["ratios"]
    assert preload["memory_mb"]["ratio"] < 1  # the workers share what was loaded before the fork
    assert preload["start_cpu_s"]["ratio"] < 1
    assert "preload: too few rounds to tell" in output
    assert not started(var)
