"""Test what the launcher says on a Python that cannot run it."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.labs import ROOT
from tests.support.launcher import perflab, the_line


@pytest.mark.parametrize("name", ["python2", "python2.7", "python3.6", "python3.8", "python3.10"])
def test_an_old_python_gets_as_far_as_the_message(furnished, name):
    found = [shutil.which(name), *Path.home().glob(f".pyenv/versions/*/bin/{name}")]
    found = [str(path) for path in found if path and "shims" not in str(path)]
    if not found:
        pytest.skip(f"there is no {name} here")

    done = perflab(furnished, python=found[0])

    assert "needs Python 3.11 or newer" in the_line(done, 1)


def test_the_first_module_has_nothing_that_an_old_python_cannot_read():
    too_new = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Match, ast.AsyncFunctionDef)

    for name in ("__init__", "__main__"):
        tree = ast.parse((ROOT / "perflab" / f"{name}.py").read_text())
        assert not [node for node in ast.walk(tree) if isinstance(node, too_new)]


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize(
    ("pretend", "said"),
    [
        ("sys.version_info = (3, 10, 9)", "needs Python 3.11 or newer; this is 3.10"),
        ("os.name = 'nt'", "WSL 2"),
    ],
)
def test_what_it_cannot_run_on_is_said_in_one_line(pretend, said):
    program = (
        "import os, sys\n"
        "source = compile(open('perflab/__main__.py').read(), 'perflab/__main__.py', 'exec')\n"
        f"{pretend}\n"
        "exec(source, {'__name__': '__main__'})"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)

    assert said in the_line(done, 1)
