"""Test the commands that an experiment's page offers to copy, each run as it stands there."""

import re
import shlex
import subprocess

import pytest

from tests.support.copied_commands import commands
from tests.support.services import find, or_skip


def run(lab, program, variant="fast", shorter=()):
    """Run the page's command for a variant and return its output; `shorter` replaces a duration."""
    or_skip(find, program)
    slow, fast = commands(lab, program)
    command = fast if variant == "fast" else slow
    assert f"/n-plus-one/{variant}/?" in command
    for old, new in shorter:
        assert old in command
        command = command.replace(old, new)
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("variant", "queries"), [("slow", 101), ("fast", 1)])
def test_curl_shows_the_figures_of_one_request(lab, variant, queries):
    output = run(lab, "curl", variant)

    assert output.startswith("HTTP/1.1 200 OK")
    assert re.search(rf'^Server-Timing: total;dur=.*queries;desc="{queries}"', output, re.MULTILINE)


def test_hey_is_answered_200_times(lab):
    output = run(lab, "hey")

    assert re.search(r"\[200\]\s+200 responses", output)
    assert "Error distribution" not in output


def test_ab_is_answered_200_times_with_the_same_page(lab):
    output = run(lab, "ab")

    assert re.search(r"^Complete requests: +200$", output, re.MULTILINE)
    assert re.search(r"^Failed requests: +0$", output, re.MULTILINE)
    assert "Non-2xx responses" not in output


def test_wrk_is_answered_all_the_time(lab):
    output = run(lab, "wrk", shorter=[("-d 5s", "-d 2s")])

    assert int(re.search(r"(\d+) requests in", output)[1]) > 0
    assert "Non-2xx" not in output
    assert "Socket errors" not in output
