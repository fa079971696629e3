"""Run `python3 -m perflab` as a newcomer types it, in a checkout of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import urllib.request
import zipfile
from pathlib import Path

import psutil

from perflab.launcher import installers
from tests.support.labs import ROOT
from tests.support.services import free_port, tie_to_parent, wait_until

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
        "'base': e.identify_python(e.PYTHON), 'installing': False, "
        "'installed': {name: e.requirements_digest(name) for name in (e.LAB, e.TESTS)}})"
    )
    subprocess.run([base, "-c", stamp], cwd=folder, check=True)


def newcomers(folder, **changes):
    """The environment of somebody who has nothing: an empty home, and no variable of ours."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = ("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PERFLAB_REQUIRE")
    own = {name: value for name, value in os.environ.items() if name.startswith((*kept, "PIP_"))}
    return {**own, "HOME": str(home), "PYTHONUNBUFFERED": "1", **changes}


def hide_ensurepip(folder):
    """Leave Pythons that look into `folder` first with the system's pip alone, as on some Debians.

    Where the running Python has no such pip (Debian keeps it in a package of its own), put one into
    `folder`: this test run's, or the one that Python brings for its environments.
    """
    (folder / "ensurepip.py").write_text("raise ImportError('as on Debian')")
    base = getattr(sys, "_base_executable", sys.executable)
    if subprocess.run([base, "-c", "import pip"], capture_output=True).returncode == 0:
        return
    ours = list(Path(sysconfig.get_path("purelib")).glob("pip*"))
    for path in ours:
        (folder / path.name).symlink_to(path)
    if not ours:  # uv makes environments without one
        with zipfile.ZipFile(installers.wheel_of_pip()) as wheel:
            wheel.extractall(folder)


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
            self.process.wait(60)
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

    def says(self, text, seconds=60):
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
        status = self.process.wait(60)
        self.reader.join(5)
        return status

    def page(self, path="", **headers):
        request = urllib.request.Request(self.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read().decode()


@contextlib.contextmanager
def started(folder, *arguments, seconds=60, **options):
    """A launcher that has said that the lab is ready."""
    with Launcher(folder, *arguments, **options) as launcher:
        yield launcher.ready(seconds)


def all_end(processes, seconds=60):
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
