"""Test the options of the load comparisons (server classes and settings), and what they refuse."""

import re
import shlex

import pytest

from perflab.load.comparisons import requests, tuning
from perflab.management.commands.load import Command, command_line
from tests.support.labs import ROOT
from tests.support.load_command import refusal


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "name a scenario, or ask for --classes or --tuning"),
        ("--classes --tuning", "not allowed with"),
        ("--classes io-bound", "--classes loads io-bound and cpu-bound: name no scenario"),
        ("--classes --worker-class sync", "--classes takes no --worker-class"),
        ("--classes --workers 1,2", "--classes takes one number of workers"),
        ("--classes --ms 5000", "--ms: must be a whole number from 0 to 1,000"),
        ("--tuning browse", "--tuning loads one address, and browse is many"),
        ("--tuning --rounds 0", "--rounds: must be a whole number from 1 to 100"),
        ("--tuning --switches turbo", "--switches: there is no switch 'turbo'; there are preload,"),
        ("--tuning --host http://127.0.0.1:1", "--tuning takes no --host"),
        ("--tuning n-plus-one --both", "--tuning compares no variants"),
        ("io-bound --rounds 3", "--rounds is for --tuning"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_two(arguments, words):
    assert words in refusal(2, *arguments.split())


def test_the_commands_in_the_docs_can_be_run():
    text = (ROOT / "docs/do-more.md").read_text()
    lines = re.findall(r"^\.venv/bin/python (manage\.py load --(?:classes|tuning).*)$", text, re.M)
    assert len(lines) >= 3

    for line in lines:
        _, name, *arguments = shlex.split(line)
        options = vars(Command().create_parser("manage.py", name).parse_args(arguments))
        requests.check(options)
        assert command_line(options) == line


def test_the_docs_name_every_switch():
    text = (ROOT / "docs/do-more.md").read_text()

    assert [name for name in tuning.SWITCHES if f"`{name}`" not in text] == []
