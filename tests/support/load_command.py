"""Run `manage.py load`, in process and as a process of its own."""

import json
import os
import re
import shlex
import subprocess
import sys
from io import StringIO

import psutil
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.support.labs import ROOT
from tests.support.services import tie_to_parent


def load(*arguments, name="load"):
    """Run `manage.py load`, or another command, and return what it writes."""
    output = StringIO()
    call_command(name, *arguments, stdout=output, stderr=output)
    return output.getvalue()


def refusal(status, *arguments, name="load"):
    """Return what the command says as it ends with this exit status."""
    with pytest.raises(CommandError) as refused:
        load(*arguments, name=name)
    line = str(refused.value)
    assert refused.value.returncode == status, line
    assert "\n" not in line
    return line


def started(var=None):
    """Return the processes that a load run with this PERFLAB_VAR has started and not ended."""
    var = str(var or os.environ["PERFLAB_VAR"])
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if process.environ().get("PERFLAB_VAR") == var and re.search("gunicorn|locust", line):
                found.append(process)
        except psutil.Error:
            continue
    return found


def command(var, line):
    """Start a load run as a process of its own, in its own session as under a terminal."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *shlex.split(line)],
        cwd=ROOT,
        env={**os.environ, "PERFLAB_VAR": str(var), "DATABASE_URL": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=tie_to_parent(),
    )


def kept(var):
    """Return the JSON of the newest run in var/runs/, or {} before there is one."""
    files = sorted((var / "runs").glob("*.json"))
    return json.loads(files[-1].read_text()) if files else {}
