"""Test `manage.py workers`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from perflab.workers import control
from tests.support.services import free_port
from tests.support.workers import socket_of


def test_the_command_lists_the_workers_and_turns_the_dial(lab, monkeypatch, settings):
    monkeypatch.setenv("PERFLAB_VAR", str(lab.var))
    settings.VAR = lab.var
    port = f"--port={lab.port}"
    socket_of(lab)

    def say(*arguments):
        out = StringIO()
        call_command("workers", *arguments, stdout=out)
        return out.getvalue()

    listed = say("show", port).splitlines()[1:]
    assert {int(line.split()[0]) for line in listed} == set(lab.worker_pids())
    assert say("set", "2", port) == "workers: 2, now 2\n"
    for arguments, status, words in (
        (("set", "1000", port), 2, "whole number from 1 to"),
        (("add", f"{control.max_workers()}", port), 2, "may have 1 to"),
        (("set", port), 2, "set how many"),
        (("add", "0", port), 2, "whole number from 1"),
        (("add", "x", port), 2, "whole number from 1"),
        (("show", "3", port), 2, "takes no number"),
        (("add", "--port=99999"), 2, "--port must be"),
        (("add", f"--port={free_port()}"), 1, "is the lab running"),
        (("show", f"--port={free_port()}"), 1, "no scoreboard"),
    ):
        with pytest.raises(CommandError, match=words) as refused:
            say(*arguments)
        assert refused.value.returncode == status
        assert "\n" not in str(refused.value)
