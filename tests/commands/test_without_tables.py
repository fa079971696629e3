"""Test that commands which make pages in their own process say in one line what is missing."""

import subprocess
import sys

import pytest

from perflab.base import paths


@pytest.mark.parametrize(
    "arguments",
    [["measure", "n-plus-one"], ["verify"], ["verify", "--lessons"], ["probe_cost"]],
    ids=" ".join,
)
def test_a_database_without_tables_gets_one_line(may_start_servers, tmp_path, arguments):
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=paths.ROOT,
        env={"PATH": "/usr/bin:/bin", "PERFLAB_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "The database has no tables yet. Run `manage.py migrate`, then" in done.stderr
