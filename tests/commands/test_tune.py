"""Test the options of `manage.py tune` and `manage.py compare_classes`, and what they refuse."""

import re
import shlex

import pytest
from django.core.management.base import BaseCommand

from perflab.load.comparisons import tuning
from perflab.management.commands import compare_classes, load, tune
from perflab.management.load_command import command_line
from tests.support.labs import ROOT
from tests.support.load_command import refusal

DO_MORE = (ROOT / "docs/do-more.md").read_text()
COMMANDS = {"compare_classes": compare_classes.Command, "tune": tune.Command, "load": load.Command}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("compare_classes io-bound", "unrecognized arguments: io-bound"),
        ("compare_classes --worker-class sync", "unrecognized arguments: --worker-class sync"),
        ("compare_classes --workers 1,2", "--workers: must be a whole number from 1 to 64"),
        ("compare_classes --ms 5000", "--ms: must be a whole number from 0 to 1,000"),
        ("compare_classes --json /nowhere/x", "--json: cannot write /nowhere/x"),
        ("tune browse", "tune loads one address, and browse is many: name an experiment"),
        ("tune nonsense", "there is no scenario 'nonsense'"),
        ("tune --users 1,2", "--users: must be a whole number from 1 to 500"),
        ("tune --rounds 0", "--rounds: must be a whole number from 1 to 100"),
        ("tune --switches turbo", "--switches: there is no switch 'turbo'; there are preload,"),
        ("tune --host http://127.0.0.1:1", "unrecognized arguments: --host"),
        ("tune n-plus-one --both", "unrecognized arguments: --both"),
        ("tune n-plus-one --slow --fast", "not allowed with"),
        ("load", "the following arguments are required: scenario"),
        ("load io-bound --rounds 3", "unrecognized arguments: --rounds 3"),
        ("load --tuning", "required: scenario"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_two(line, words):
    name, *arguments = shlex.split(line)

    assert words in refusal(2, *arguments, name=name)


def test_the_commands_in_the_docs_can_be_run_and_are_kept_as_they_stand_there():
    pattern = r"^\.venv/bin/python (manage\.py (?:compare_classes|tune).*)$"
    lines = re.findall(pattern, DO_MORE, re.MULTILINE)
    assert len(lines) >= 5

    for line in lines:
        _, name, *arguments = shlex.split(line)
        command = COMMANDS[name]()
        options = vars(command.create_parser("manage.py", name).parse_args(arguments))
        assert command_line(command, options) == line


@pytest.mark.parametrize("name", ["compare_classes", "tune"])
def test_the_docs_name_every_option(name):
    actions = COMMANDS[name]().create_parser("manage.py", name)._actions
    inherited = BaseCommand().create_parser("manage.py", name)._actions
    options = {option for action in actions for option in action.option_strings}
    options -= {option for action in inherited for option in action.option_strings}

    assert {option for option in options if option not in DO_MORE} == set()


def test_the_docs_name_every_switch():
    assert [name for name in tuning.SWITCHES if f"`{name}`" not in DO_MORE] == []
