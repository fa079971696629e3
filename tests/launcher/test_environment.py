"""Test the first start: a fresh clone, with and without a network, and an interrupted one."""

import json
import os
import shutil
import signal
import socket

import pytest

from perflab.base import config
from tests.support.launcher import (
    CLOSED,
    LINUX,
    Launcher,
    all_end,
    hide_ensurepip,
    perflab,
    started,
    the_line,
)
from tests.support.services import free_port, wait_until


@pytest.mark.exhaustive
def test_a_fresh_clone_starts_in_a_room_without_internet(bare):
    """The whole first start: a bundle made where there is internet, then used where there is none.

    The home is empty and pip's cache with it; the index that pip is told of does not exist.
    """
    cloned = {path.name for path in bare.iterdir()}
    wheels = bare.parent / "wheels"
    made = perflab(bare, "bundle", wheels, timeout=300)
    if "there is no network" in made.stderr and not os.environ.get("PERFLAB_REQUIRE_SERVICES"):
        pytest.skip("the wheels cannot be downloaded here")
    assert made.returncode == 0, made.stdout + made.stderr
    assert list(wheels.glob("Django-*.whl")) or list(wheels.glob("django-*.whl"))
    assert list(wheels.glob("pytest-*.whl"))
    shutil.rmtree(bare.parent / "home")
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_INDEX_URL": CLOSED}

    with started(bare, "--find-links", wheels, "--movies", "1900", seconds=180, **offline) as first:
        assert "Installing" in first.said
        assert "slow" in first.page("experiments/n-plus-one/")
        assert "film" in first.page("films/1900/").lower()
        assert first.named("valkey-server")
        workers = [p for p in first.named("gunicorn") if not p.children()]
        assert len(workers) == config.count_cores()

    with started(bare, **offline) as second:
        assert second.said.splitlines()[0].startswith("perflab is ready")  # nothing is done twice
        assert "film" in second.page("films/1900/").lower()
    made = {path.name for path in bare.iterdir()} - cloned
    assert made - {"__pycache__"} == {".venv", "var"}  # git ignores all of them


def test_no_network_at_the_first_start_is_said_in_one_line(bare, tmp_path):
    """This Python brings no pip with it either: the system's works on the environment."""
    hide_ensurepip(tmp_path)

    done = perflab(
        bare,
        *("--bind", f"127.0.0.1:{free_port()}"),
        PYTHONPATH=str(tmp_path),
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
        PIP_INDEX_URL=CLOSED,
    )

    line = the_line(done, 1)
    assert "no network" in line
    assert "--find-links DIR" in line
    assert "bundle DIR" in line


def test_an_interrupted_installation_is_done_again(bare, tmp_path):
    """Killed while pip waits for an index that never answers; pip dies with it."""
    hide_ensurepip(tmp_path)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        settings = {"PYTHONPATH": str(tmp_path), "PIP_FIND_LINKS": "", "PIP_INDEX_URL": index}
        settings["PIP_CONFIG_FILE"] = os.devnull
        with Launcher(bare, **settings) as killed:
            killed.says("Installing")
            wait_until(lambda: killed.named("install"), "pip")
            killed.process.kill()
            if LINUX:
                assert all_end(killed.family)
        assert json.loads((bare / ".venv" / "perflab.json").read_text())["installing"]
        (bare / ".venv" / "half-written").touch()

        with Launcher(bare, **settings) as again:
            again.says("Making the environment")
            again.says("Installing")
            assert not (bare / ".venv" / "half-written").exists()
            again.process.send_signal(signal.SIGINT)
            assert again.wait() == 0
            assert again.said.endswith("perflab: stopped.\n")
