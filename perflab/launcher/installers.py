"""uv or pip, wherever there is one, and its errors in one line."""

import errno
import os
import re
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

from perflab.base.config import Problem
from perflab.base.paths import PYTHON, VENV
from perflab.base.processes import run

PIP_ZIPAPP = "https://bootstrap.pypa.io/pip/pip.pyz"  # where pip's own documentation sends one
# Nothing but the very files that a lock file names, and none that runs code when it is installed.
LOCKED = ("--require-hashes", "--only-binary", ":all:")
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|name resolution|Network is unreachable|"
    r"Connection refused|ConnectTimeout|ReadTimeout|ProxyError|Could not fetch URL|"
    r"Max retries exceeded|dns error|tcp connect error|error sending request|"
    r"Failed to establish a new connection|connection error",
    re.IGNORECASE,
)


def base_python():
    """Return the Python that we run on, or the one that made its virtual environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def install_requirements(file, pip_file, find_links, reinstall, folder):
    """Install a file of requirements and their hashes, with uv or else with pip.

    `pip_file` names the pip that installs them where `.venv` has none. Return None when that has
    succeeded, or the last installer's output. No installer compiles: that would take as long as all
    the rest, and Python compiles what it imports.
    """
    source = [*LOCKED, *(["--no-index", "--find-links", find_links] if find_links else [])]
    if uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--python", PYTHON, "-r", file, *source]
        status, output = run([*command, "--reinstall"] if reinstall else command)
        if status == 0:
            return None
    if not has_pip():
        # The newest pip needs half the time of those of 2023 to look through the index.
        arguments = ["install", "--no-compile", *source, "-r", pip_file]
        status, output = run_pip(folder, find_links, *arguments)
        if status and NO_NETWORK.search(output):
            return output
    arguments = ["--no-compile", *(["--force-reinstall"] if reinstall else []), "-r", file, *source]
    status, output = run_pip(folder, find_links, "install", *arguments, on_line=show_progress())
    return None if status == 0 else output


def run_pip(folder, find_links, *arguments, on_line=None):
    """Run the best pip there is on `.venv`; return its exit status and output."""
    quiet = {"PIP_ROOT_USER_ACTION": "ignore", "PIP_NO_WARN_SCRIPT_LOCATION": "1"}
    environment = {**os.environ, **quiet, "PYTHONDONTWRITEBYTECODE": ""}
    return run([*pip_command(folder, find_links), *arguments], on_line=on_line, env=environment)


def has_pip():
    """Return whether `.venv` has a pip of its own."""
    return any(VENV.glob("lib*/python3*/site-packages/pip/__main__.py"))


def bundled_pip_wheel():
    """Return the wheel of pip that comes with Python; None where none does, as on some Debians."""
    try:
        import ensurepip
    except ImportError:
        return None
    folders = [Path(ensurepip.__file__).parent / "_bundled"]
    if debian_folder := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        folders.append(Path(debian_folder))
    wheels = [wheel for folder in folders for wheel in folder.glob("pip-*.whl")]
    return wheels[0] if wheels else None


def pip_command(folder, find_links=None):
    """Return the command that starts a pip which works on `.venv`. Raises Problem.

    It is the environment's own, or else the system's, or else the one that comes with Python, or
    else one that is downloaded into `folder`.
    """
    options = ["--disable-pip-version-check", "--no-input", "--retries", "2"]
    if has_pip():
        return [PYTHON, "-m", "pip", *options]
    if has_python_option():
        return [base_python(), "-m", "pip", *options, "--python", PYTHON]
    wheel = bundled_pip_wheel()
    if wheel is None and find_links:
        wheel = max(Path(find_links).glob("pip-*.whl"), default=None)
    return [PYTHON, wheel / "pip" if wheel else download_pip(folder), *options]


def has_python_option():
    """Return whether this Python has a pip that can work on another environment: 22.3 or newer."""
    import importlib.metadata  # imported here, since it is slow and seldom needed

    try:
        major, minor = importlib.metadata.version("pip").split(".")[:2]
        return (int(major), int(minor)) >= (22, 3)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def download_pip(folder):
    """Download pip as a zip file that Python runs; return its path. Raises Problem."""
    import urllib.request  # imported here, since it is slow and seldom needed

    try:
        with urllib.request.urlopen(PIP_ZIPAPP, timeout=60) as answer:
            content = answer.read()
    except OSError as error:
        raise Problem(
            f"this Python has no pip, and none could be downloaded ({error}): install pip, "
            "or give a folder made by `python3 -m perflab bundle DIR` with --find-links DIR."
        ) from error
    path = folder / "pip.pyz"
    path.write_bytes(content)
    if not zipfile.is_zipfile(path):  # a log-in page, for example
        raise Problem("the pip that was downloaded is damaged; try again.")
    return path


def show_progress():
    """Return a function that shows which package pip installs; None without a terminal."""
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


def has_no_wheel(output, package):
    """Return whether pip said that a package has no wheel for this machine."""
    return re.search(rf"No matching distribution found for {package}\b", output) is not None


def explain(output, find_links, what):
    """Return one line for an installer's output; `what` is what failed."""
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
    if changed := re.search(r"DO NOT MATCH THE HASHES.*\n\s+([\w.\[\]-]+==\S+)", output):
        return f"{what}: the wheel of {changed[1]} is not the one that the lock file names."
    if NO_NETWORK.search(output):
        return (
            f"{what}: there is no network. Where there is one, "
            "`python3 -m perflab bundle DIR` collects what is needed; here, add --find-links DIR."
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return f"{what}: {(errors or lines or ['no reason given'])[-1]}"
