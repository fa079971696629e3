"""Test that `.ci/newest` leaves nothing behind, with a program of ours instead of debootstrap."""

import contextlib
import os
import shutil
import signal
import subprocess

import psutil
import pytest

from tests.support.labs import ROOT
from tests.support.services import tie_to_parent, wait_until

SCRIPT = ROOT / ".ci" / "newest"
MIRROR = "http://mirror.test/debian/"  # what apt-get says that this machine's is


@pytest.fixture
def newest(tmp_path, may_start_servers):
    """A function that starts the script with this shell program as its debootstrap."""
    own_mounts = ["unshare", "--mount", "--pid", "--fork", "true"]
    if not shutil.which("unshare") or subprocess.run(own_mounts, capture_output=True).returncode:
        pytest.skip("only root can have mounts of its own, and not in every container")
    (tmp_path / "folder").mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    started = []

    def start(debootstrap):
        mirror = f"echo {MIRROR}"
        for name, program in (("apt-get", mirror), ("debootstrap", debootstrap)):
            (programs / name).write_text(f"#!/bin/sh\n{program}\n")
            (programs / name).chmod(0o755)
        process = subprocess.Popen(
            [SCRIPT],
            env={
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "TMPDIR": str(tmp_path / "folder"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=tie_to_parent(signal.SIGTERM),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def test_a_debian_that_cannot_be_made_is_a_failure_with_its_reason(newest, tmp_path):
    process = newest('mkdir "$3"; echo "$@"; echo E: no such mirror; exit 1')

    said, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "E: no such mirror" in said
    assert "--variant=minbase --include=python3,python3-venv,git,ca-certificates trixie" in said
    assert f"debian {MIRROR}\n" in said
    assert not list((tmp_path / "folder").iterdir())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_interrupted_it_ends_all_processes_and_removes_the_folder(newest, tmp_path, how):
    """What debootstrap has mounted is gone too."""
    process = newest('mkdir -p "$3/proc"; mount --bind /dev "$3/proc"; exec sleep 99')
    family = []

    def is_busy():
        family[:] = psutil.Process(process.pid).children(recursive=True)
        with contextlib.suppress(psutil.NoSuchProcess):  # the shell's own steps end soon
            return "sleep" in [child.name() for child in family]

    wait_until(is_busy, "the start of debootstrap", seconds=30)

    process.send_signal(how)
    process.communicate(timeout=30)

    assert process.returncode == 130
    assert not psutil.wait_procs(family, timeout=60)[1]
    assert not list((tmp_path / "folder").iterdir())
    mounts = [disk.mountpoint for disk in psutil.disk_partitions(all=True)]
    assert not [mount for mount in mounts if mount.startswith(str(tmp_path))]


@pytest.mark.usefixtures("may_start_servers")
def test_where_it_cannot_be_done_it_says_so_and_is_no_failure(tmp_path):
    for name in ("bash", "dirname", "id"):
        (tmp_path / name).symlink_to(shutil.which(name))

    done = subprocess.run([SCRIPT], env={"PATH": str(tmp_path)}, capture_output=True, text=True)

    reason = "there is no debootstrap" if os.geteuid() == 0 else "only root can make a Debian"
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"The newest Django is not tried on this machine: {reason}")
    assert len(done.stdout.splitlines()) == 1
