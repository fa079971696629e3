"""Run `manage.py measure`, in process and from the command line."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from perflab import caches
from perflab.catalogue import registry
from tests.support.labs import ROOT

LAB_KEYS = {"database", "django", "python", "toolbar", "rows", "url", "cache", "workers"}
QUICK = ("--movies=10", "--runs=5")


def measure(*arguments):
    """What the command writes to its output. No page that another test has cached is in it."""
    for slug in registry.experiments.keys() & set(arguments):
        caches.flush(slug)
    output = StringIO()
    call_command("measure", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def measured(tmp_path, *arguments):
    """The JSON that the command writes."""
    measure(*arguments, f"--json={tmp_path / 'measured.json'}")
    return json.loads((tmp_path / "measured.json").read_text())


def not_judged(tmp_path, *arguments):
    """The JSON that the command writes of runs that get no verdict."""
    file = tmp_path / "measured.json"
    assert "is not judged: " in refusal(1, *arguments, f"--json={file}")
    return json.loads(file.read_text())


def refusal(status, *arguments):
    """What the command says as it ends with this exit status."""
    with pytest.raises(CommandError) as refused:
        measure(*arguments)
    assert refused.value.returncode == status
    line = str(refused.value)
    assert "\n" not in line
    return line


def command_line(*arguments, stderr=subprocess.PIPE, **environment):
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", "measure", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        timeout=60,
    )


def change_view(monkeypatch, slug, name, view):
    experiment = registry.get(slug)
    variants = [replace(r, view=view) if r.name == name else r for r in experiment.variants]
    monkeypatch.setattr(experiment, "variants", tuple(variants))
