"""Test the options of `manage.py load`, and what it refuses."""

import re
import shlex
import socket

import pytest
from django.core.management.base import BaseCommand

from perflab.load import scenarios, store
from perflab.management.commands.load import Command, plan_of
from perflab.management.load_command import command_line
from tests.support.labs import ROOT
from tests.support.load_command import refusal, started


def test_the_commands_in_the_docs_can_be_run():
    text = (ROOT / "docs/do-more.md").read_text()
    lines = re.findall(r"^\.venv/bin/python (manage\.py load [a-z].+)$", text, re.MULTILINE)
    assert len(lines) >= 9

    for line in lines:
        _, name, *arguments = shlex.split(line)
        options = vars(Command().create_parser("manage.py", name).parse_args(arguments))
        load_plan = plan_of(options)
        scenarios.check(load_plan)
        assert shlex.split(line)[2] == load_plan.scenario


def test_the_command_that_a_run_keeps_asks_for_the_same():
    line = "n-plus-one --both --users 1,2 --threads 2,4 --duration 5s --movies 10 --generator wrk"
    parser = Command().create_parser("manage.py", "load")
    options = vars(parser.parse_args(line.split()))

    again = command_line(Command(), options)

    assert again.startswith("manage.py load n-plus-one ")
    assert plan_of(vars(parser.parse_args(again.split()[2:]))) == plan_of(options)


def test_the_docs_name_every_option():
    text = (ROOT / "docs/do-more.md").read_text()
    actions = Command().create_parser("manage.py", "load")._actions
    inherited = BaseCommand().create_parser("manage.py", "load")._actions
    own = {o for a in actions for o in a.option_strings} - {
        o for a in inherited for o in a.option_strings
    }

    assert {option for option in own if option not in text} == set()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("nonsense", "there is no scenario 'nonsense'; there are browse, cpu-bound, duel"),
        ("slow --users 0", "--users: must be whole numbers from 1 to 500"),
        ("slow --users 1000000", "--users: must be whole numbers from 1 to 500"),
        ("slow --workers 1,2,99", "--workers: must be whole numbers from 1 to 64"),
        ("slow --duration 365d", "--duration: must be from 1s to 10m, such as 20s"),
        ("slow --duration 0s", "--duration: must be from 1s to 10m"),
        ("slow --host http://192.0.2.1", "http://192.0.2.1 is not on this machine"),
        ("slow --host nowhere", "--host must look like http://127.0.0.1:8000"),
        pytest.param(
            "slow --host http://127.0.0.1:1",
            "no lab answers at http://127.0.0.1:1",
            marks=pytest.mark.server,  # whether one answers is asked by a process of its own
        ),
        ("slow --host http://127.0.0.1:1 --workers 2", "--workers is for a Gunicorn that we"),
        ("browse --slow", "browse has no variants"),
        ("browse --generator hey", "hey loads one address, and browse is many"),
        ("io-bound --ms 5000", "--ms: must be a whole number from 0 to 1,000, not '5000'"),
        ("slow --ms 5", "--ms is for io-bound and cpu-bound, not for slow"),
        ("io-bound --movies 10", "io-bound has one knob, --ms"),
        ("slow --experiment n+1", "there is no experiment 'n+1'"),
        ("slow --movies 100000", "movies must be a whole number from 1 to 5,000"),
        ("n-plus-one --slow --movies 1800 --round-trip 50", "lower one of the two"),
        ("slow --threads 4 --worker-class sync", "--threads is for gthread workers"),
        ("slow --port 99999", "--port: must be a whole number from 1 to 65,535"),
        ("slow --json /nowhere/run.json", "--json: cannot write /nowhere/run.json"),
        ("slow --users 1,2,3,4,5,6,7,8,9 --workers 1,2,3,4,5,6,7,8", "72 points are too many"),
    ],
)
def test_what_cannot_be_loaded_is_one_line_and_status_two(arguments, words):
    assert words in refusal(2, *arguments.split())


def test_a_generator_that_is_not_installed_is_named_with_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    assert refusal(2, "io-bound", "--generator", "ab") == (
        "ab is not installed; on Debian and Ubuntu: apt install apache2-utils"
    )


@pytest.mark.django_db
def test_a_port_that_is_taken_is_told_and_nothing_kept():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        line = refusal(2, "io-bound", "--port", str(port))

    assert line == f"port {port} is taken by another program"
    assert not list(store.folder().glob("*"))


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.django_db
def test_a_gunicorn_that_does_not_start_is_told_by_its_own_words(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://nobody/nothing")

    line = refusal(2, "io-bound", "--users", "1")

    assert line.startswith("Gunicorn did not start: perflab: DATABASE_URL names ")
    assert not started()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("io-bound --open 0", "--open: must be requests a second from 0.001 to 1,000, not '0'"),
        ("io-bound --open 1e3", "--open: must be requests a second"),
        ("io-bound --open 1001", "--open: must be requests a second from 0.001 to 1,000"),
        ("browse --open 10", "--open loads one address, and browse is many"),
        ("io-bound --freeze 6s", "--freeze: must be from 1ms to 5s"),
        ("io-bound --freeze 2s --duration 6s", "--freeze 2s needs a --duration of 4 times as long"),
        ("io-bound --load-workers 0", "--load-workers: must be a whole number from 1 to 16"),
        ("io-bound --load-workers 2 --generator hey", "--load-workers are Locust's: hey has none"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_status_two(arguments, words):
    assert words in refusal(2, *arguments.split())
