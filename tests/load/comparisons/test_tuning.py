"""Test the comparison of settings on and off: what its figures mean, and a short run."""

import pytest

from perflab.base.network import Address
from perflab.load import plan
from perflab.load.comparisons import tuning, tuning_rounds
from perflab.load.model import Rounds
from perflab.load.verdict import RunWarning
from tests.support.labs import ROOT
from tests.support.load_command import command, kept, started

ROUNDS = [10.0, 10.1, 10.2, 9.9, 10.3, 10.0]


def compare(on, off, name="preload"):
    """Return the result of a switch whose p50 was so in each round."""
    measured = Rounds(on={"p50_ms": on}, off={"p50_ms": off})
    return tuning.compare(tuning.SWITCHES[name], measured)


# What figures mean. ----------------------------------------------------------------------------


def test_less_with_the_switch_on_is_a_gain():
    result = compare([0.8 * ms for ms in ROUNDS], ROUNDS)

    assert result.ratios["p50_ms"].ratio == pytest.approx(0.8)
    assert result.ratios["p50_ms"].effect == "less"
    assert (result.name, result.default, result.rounds) == ("preload", "off", 6)
    assert result.positions.on == "preload_app = True"


def test_more_with_the_switch_on_is_a_cost():
    result = compare([1.5 * ms for ms in ROUNDS], ROUNDS)

    assert result.ratios["p50_ms"].effect == "more"
    assert result.verdict == "preload: on it costs p50 50 % more; off by default."


def test_a_gain_and_a_cost_are_both_told():
    on = {"p50_ms": ROUNDS, "memory_mb": [0.5 * mb for mb in ROUNDS]}
    off = {"p50_ms": [0.5 * ms for ms in ROUNDS], "memory_mb": ROUNDS}

    result = tuning.compare(tuning.SWITCHES["gc-freeze"], Rounds(on=on, off=off))

    assert {name: ratio.effect for name, ratio in result.ratios.items()} == {
        "p50_ms": "more",
        "memory_mb": "less",
    }


@pytest.mark.parametrize(
    ("on", "off", "why"),
    [
        ([9.0, 11.0, 8.0, 12.0, 9.5, 10.5], ROUNDS, "the rounds do not agree"),
        ([0.98 * ms for ms in [10.0] * 6], [10.0] * 6, "2 % is not worth a setting"),
    ],
)
def test_what_is_chance_or_small_is_no_difference(on, off, why):
    result = compare(on, off)

    assert result.ratios["p50_ms"].effect == "", why
    assert "no measurable difference" in result.verdict


def test_three_rounds_are_too_few_to_tell():
    result = compare([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])

    assert result.ratios["p50_ms"].effect == ""
    assert "too few rounds to tell (at least 4)" in result.verdict


def test_a_busy_machine_is_a_warning():
    busy = Rounds(on={"other_cpu": [0.9]}, off={"other_cpu": [0.8]})
    quiet, disturbed = compare(ROUNDS, ROUNDS), tuning.compare(tuning.SWITCHES["preload"], busy)

    assert tuning.warnings([quiet]) == []
    assert tuning.warnings([quiet, disturbed]) == [RunWarning("other_programs", (disturbed,), of=2)]


# What is the default. --------------------------------------------------------------------------


@pytest.mark.parametrize("switch", tuning.SWITCHES.values(), ids=tuning.SWITCHES)
def test_both_positions_of_a_switch_are_different_and_one_is_the_labs_own(switch):
    both = [(one.arguments, one.config, one.settings) for one in (switch.on, switch.off)]

    assert both[0] != both[1]
    assert switch.name == "keep-alive" or both[switch.default == "off"] == ((), None, None)
    for name in filter(None, (switch.on.settings, switch.off.settings)):
        assert (ROOT / f"{name.replace('.', '/')}.py").exists()


# What is refused. ------------------------------------------------------------------------------


@pytest.mark.exhaustive
def test_a_page_that_is_not_found_ends_the_rounds(lab):
    with pytest.raises(plan.LoadRefused, match=r"/nowhere/ answers 404"):
        tuning_rounds.send_requests(Address("127.0.0.1", lab.port), "/nowhere/", 0.1, 2)


# Real runs. ------------------------------------------------------------------------------------


def test_a_switch_is_turned_in_rounds_and_kept(var):
    process = command(var, "tune --switches preload --rounds 1 --duration 1s")

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
