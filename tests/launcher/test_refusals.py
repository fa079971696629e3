"""Test that the launcher refuses in one line what cannot work."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.launcher import is_free, perflab, started, the_line
from tests.support.services import free_port, temporary_folder


@pytest.mark.parametrize(
    "arguments",
    [
        ["--workers", "0"],
        ["--workers", "abc"],
        ["--workers", "1000000000"],
        ["--threads", "65"],
        ["--bind", "nonsense"],
        ["--bind", "127.0.0.1:0"],
        ["--bind", "::1:8000"],
        ["--bind", "no such host:80"],
        ["--movies", "-1"],
        ["--movies"],
        ["--such-an-option"],
        ["--find-links", "/nonexistent"],
        ["bundle"],
        ["bundle", "--verbose"],
        ["--workers", "2", "test"],
    ],
    ids=" ".join,
)
def test_nonsense_is_refused_in_one_line(furnished, arguments):
    the_line(perflab(furnished, *arguments), 2)


@pytest.mark.parametrize("name", ["PORT", "WEB_CONCURRENCY", "WEB_THREADS"])
def test_nonsense_in_the_environment_is_refused_in_one_line(furnished, name):
    assert name in the_line(perflab(furnished, **{name: "several"}), 2)


def test_a_port_that_is_taken_is_named_before_anything_slow_is_done(bare):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        done = perflab(bare, "--bind", f"127.0.0.1:{port}")

    line = the_line(done, 1)
    assert f"port {port} is taken" in line
    suggested = int(re.search(r"--bind 127\.0\.0\.1:(\d+)$", line)[1])
    assert is_free(suggested)
    assert not (bare / ".venv").exists()


def test_a_second_lab_needs_a_folder_and_a_port_of_its_own(running, furnished):
    port = free_port()

    refused = perflab(furnished, "--bind", f"127.0.0.1:{port}", PERFLAB_VAR=str(running.var))

    line = the_line(refused, 1)
    assert running.url in line
    assert f"process {running.process.pid}" in line
    with started(furnished, "--workers", "1", port=port) as other:  # in the usual var/
        assert other.page("health/")
        assert running.page("health/")


def test_it_does_not_listen_for_others_unless_that_is_meant(furnished):
    line = the_line(perflab(furnished, "--bind", f"0.0.0.0:{free_port()}"), 1)
    assert "PERFLAB_PUBLIC=1" in line

    done = perflab(furnished, "--bind", f"0.0.0.0:{free_port()}", PERFLAB_PUBLIC="1")
    assert "SECRET_KEY" in the_line(done, 1)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://nobody@127.0.0.1:9/none", "the database"),
        ("nonsense", "DATABASE_URL"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_in_one_line(furnished, url, reason):
    done = perflab(furnished, "--bind", f"127.0.0.1:{free_port()}", DATABASE_URL=url)

    assert reason in the_line(done, 1)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL must be like redis://"),
        ({"MEMCACHED_URL": "memcached://me:secret@localhost"}, "MEMCACHED_URL names a user"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE_URL must name SQLite's file"),
        ({"DATABASE_URL": "sqlite:////etc/passwd"}, "/etc/passwd is not a SQLite database"),
    ],
    ids=str,
)
def test_an_address_that_cannot_be_used_is_said_in_one_line(furnished, variables, reason):
    done = perflab(furnished, "--bind", f"127.0.0.1:{free_port()}", **variables)

    line = the_line(done, 1)
    assert reason in line
    assert "secret" not in line
    assert "ready" not in done.stdout


@pytest.mark.parametrize(
    "record",
    ["{}", "[]", '{"port": PORT}', '{"port": PORT, "gunicorn": "1", "pid": 1, "url": "x"}', "\0\0"],
)
def test_a_lock_without_its_keys_is_no_lab_that_ends(furnished, tmp_path, record):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (tmp_path / "lab.lock").write_text(record.replace("PORT", str(port)))

        done = perflab(furnished, "--bind", f"127.0.0.1:{port}", PERFLAB_VAR=str(tmp_path))

    assert f"port {port} is taken" in the_line(done, 1)


def test_a_very_long_path_has_its_sockets_elsewhere(furnished):
    """Sockets take 107 bytes; here `var/` alone has 240."""
    folder = temporary_folder()
    var = folder / ("long" * 30) / ("path" * 28)
    try:
        with started(furnished, "--workers", "1", PERFLAB_VAR=str(var)) as running:
            elsewhere = Path((var / "sockets").read_text())
            names = {path.name for path in elsewhere.iterdir()}
            assert names == {
                f"valkey-{running.process.pid}.sock",
                f"gunicorn-{running.port}.sock",
            }
            assert elsewhere.stat().st_mode & 0o777 == 0o700
            assert '"redis": "up"' in running.page("health/")
        assert not elsewhere.exists()

        too_long = var / ("folder" * 20) / ("folder" * 20) / ("folder" * 20)
        done = perflab(furnished, "--bind", f"127.0.0.1:{free_port()}", PERFLAB_VAR=str(too_long))
        assert "too long" in the_line(done, 1)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_an_unwritable_folder_is_said_in_one_line(bare, furnished):
    """Root may write anywhere, so as root this runs as nobody."""
    if os.geteuid() != 0:
        bare.chmod(0o555)
        user = None
    else:
        user = "nobody"
        for path in (bare.parent, bare):
            path.chmod(0o755)
        (bare.parent / "home").mkdir(exist_ok=True)
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else None
    if python:
        version = subprocess.run(
            [python, "-c", "import sys; print(sys.version_info >= (3, 11))"],
            capture_output=True,
            text=True,
        )
        if "True" not in version.stdout:
            pytest.skip("nobody cannot run this Python")
    try:
        done = perflab(bare, user=user, python=python)
    finally:
        bare.chmod(0o755)

    line = the_line(done, 1)
    assert str(bare) in line
    assert "ermission" in line or "Read-only" in line
