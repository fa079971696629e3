"""The scoreboard: on a full disk, under a second Gunicorn, after a load run that was ended."""

import os
import shutil
import signal
import subprocess

import pytest

from perflab.base.gunicorn import gunicorn_command
from perflab.workers import scoreboard
from perflab.workers.scoreboard import layout, writing
from tests.support.disks import on_small_disk
from tests.support.labs import ROOT
from tests.support.load_command import command, started
from tests.support.services import free_port, or_skip, temporary_folder, wait_until


@pytest.fixture
def var():
    folder = temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(f"{folder}.disk", ignore_errors=True)


def own_lines(text):
    return [line for line in text.splitlines() if line.startswith("perflab:")]


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize("threads", [1, 4])
def test_on_a_full_disk_gunicorn_says_so_in_one_line_and_ends(var, threads):
    size = layout.file_size(2 * 64, threads)
    disk = or_skip(on_small_disk, var, f"{size - 4096}")  # a sparse file would fit
    for name in ("log", "run", "static"):
        (var / name).mkdir()
    (var / "secret_key").write_text("x" * 50)

    done = subprocess.run(
        [*disk, *gunicorn_command(f"127.0.0.1:{free_port()}")],
        cwd=ROOT,
        env={**os.environ, "PERFLAB_VAR": str(var), "WEB_THREADS": str(threads)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    [line] = own_lines(done.stderr)
    assert "No space left on device" in line
    assert "Traceback" not in done.stderr
    assert "Booting worker" not in done.stderr


@pytest.mark.parametrize("broken", ["missing", "refuses"])
def test_the_file_is_allocated_where_the_system_cannot_do_that_too(tmp_path, monkeypatch, broken):
    if broken == "missing":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:

        def refuse(*arguments):
            raise OSError(writing.errno.EOPNOTSUPP, "not supported")

        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)

    board = scoreboard.Scoreboard(tmp_path / "board", slots=8, threads=2)

    found = board.path.stat()
    assert found.st_size == layout.file_size(8, 2)
    assert found.st_blocks * 512 >= found.st_size
    assert scoreboard.read(board.path) == []


def test_a_second_gunicorn_on_the_same_port_leaves_the_scoreboard_alone(start_lab):
    lab = start_lab(workers=1)
    path = lab.var / f"scoreboard-{lab.port}"

    second = subprocess.run(
        gunicorn_command(f"127.0.0.1:{lab.port}"),
        cwd=ROOT,
        env=lab.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert second.returncode != 0
    assert "Connection in use" in second.stderr
    assert scoreboard.snapshot(path).master == lab.process.pid
    before = scoreboard.snapshot(path).requests
    assert lab.get("/health/").status == 200
    wait_until(lambda: scoreboard.snapshot(path).requests > before, "counting a request")


def test_the_scoreboard_and_drafts_of_a_killed_gunicorn_are_deleted_by_the_next(start_lab, var):
    shutil.copytree(start_lab(workers=1).var, var, dirs_exist_ok=True, ignore=no_sockets)
    [left] = var.glob("scoreboard-*")
    ended = subprocess.Popen(["true"])
    ended.wait()
    content = bytearray(left.read_bytes())
    fields = list(layout.HEADER.unpack_from(content))
    fields[3] = ended.pid
    layout.HEADER.pack_into(content, 0, *fields)
    left.write_bytes(content)
    draft = var / "traces" / ".0123456789abcdef.draft"
    draft.parent.mkdir(exist_ok=True)
    draft.write_text("half of it")
    os.utime(draft, (1, 1))

    lab = start_lab(workers=1, PERFLAB_VAR=str(var))

    assert not draft.exists()
    assert [path.name for path in var.glob("scoreboard-*")] == [f"scoreboard-{lab.port}"]


def no_sockets(folder, names):
    """Name the sockets, which cannot be copied."""
    return [name for name in names if name.endswith(".sock")]


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.parametrize("impatient", [False, True])
def test_an_interrupted_load_run_leaves_no_scoreboard(var, seeded_database, impatient):
    seeded_database.copy_to(var / "perflab.sqlite3")
    process = command(var, "load io-bound --ms 900 --workers 1 --users 4 --duration 20s")
    wait_until(lambda: list(var.glob("scoreboard-*")), "the start of its Gunicorn")

    process.send_signal(signal.SIGINT)
    if impatient:  # a second Ctrl-C: its Gunicorn is killed
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    wait_until(lambda: not started(var), "the end of all")
    assert not list(var.glob("scoreboard-*"))
    assert not list(var.glob("run/gunicorn-*.sock"))
