"""Numbers and durations are checked in one way and refused in one wording."""

import pytest

from perflab.base import numbers


@pytest.mark.parametrize("text", ["1", "007", "5000", "000000001"])
def test_digits_in_the_range_are_a_whole_number(text):
    assert numbers.whole_number(text, 1, 5000) == int(text)


def test_a_whole_number_may_be_long_but_not_endless():
    assert numbers.whole_number("2147483647", 0, 2**31 - 1) == 2**31 - 1
    with pytest.raises(ValueError, match=r"not '1{40}'… \(100,000 characters\)"):
        numbers.whole_number("1" * 100_000, 0, 2**31 - 1)


@pytest.mark.parametrize(
    "text", ["", "0", "5001", "-5", "+5", "1.0", "1e3", " 5", "5\n", "1_000", "٣", "²", "1" * 10]
)
def test_all_else_is_refused_in_one_wording(text):
    with pytest.raises(ValueError, match="^must be a whole number from 1 to 5,000, not '") as error:
        numbers.whole_number(text, 1, 5000)

    assert str(error.value).endswith(f"not {text!r}")


def test_a_list_of_whole_numbers_rises_and_repeats_none():
    assert numbers.whole_numbers("8,1,2,8", 1, 8) == (1, 2, 8)


@pytest.mark.parametrize("text", ["", "1,", ",1", "1,,2", "1, 2", "9", "0,1", "x"])
def test_a_list_with_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="^must be whole numbers from 1 to 8 with commas, such as"):
        numbers.whole_numbers(text, 1, 8)


@pytest.mark.parametrize(("text", "value"), [("2", 2), ("0.5", 0.5), ("50.000", 50), ("0", 0)])
def test_decimal_numbers(text, value):
    assert numbers.decimal_number(text, 0, 50) == value


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e1", "-1", "51", ".5", "1.", "1.2345", "٣"])
def test_no_decimal_number(text):
    with pytest.raises(ValueError, match="^must be a number of ms from 0 to 50, not '"):
        numbers.decimal_number(text, 0, 50, "a number of ms")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20", 20), ("20s", 20), ("2m", 120), ("0.5h", 1800), ("1d", 86400), ("200ms", 0.2)],
)
def test_durations(text, seconds):
    assert numbers.seconds(text, 0.1, 86400, example="20s") == seconds


@pytest.mark.parametrize("text", ["", "s", "0", "0s", "11m", "-1s", "1 s", "1w", "1s1m", "1e2s"])
def test_no_duration(text):
    with pytest.raises(ValueError, match="^must be from 1s to 10m, such as 20s, not '"):
        numbers.seconds(text, 1, 600, example="20s")


def test_a_unit_may_be_required():
    assert numbers.seconds("200ms", 0.001, 30, example="200ms", unit="") == 0.2
    with pytest.raises(ValueError, match="^must be from 1ms to 30s, with its unit, such as 200ms"):
        numbers.seconds("200", 0.001, 30, example="200ms", unit="")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.001, "1ms"), (0.2, "200ms"), (1, "1s"), (90, "1.5m"), (3600, "1h"), (7 * 86400, "7d")],
)
def test_a_duration_is_written_with_its_largest_unit(seconds, text):
    assert numbers.write_seconds(seconds) == text


def test_a_long_text_is_quoted_in_part():
    assert numbers.quote("x" * 40) == repr("x" * 40)
    assert numbers.quote("x" * 10_000) == repr("x" * 40) + "… (10,000 characters)"
    assert numbers.quote("\x1b[2J\n") == r"'\x1b[2J\n'"
