"""Test that the lock files hold what the readable requirements ask for, with hashes."""

import itertools
import re
from importlib.metadata import distribution

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from perflab.base.paths import ROOT
from perflab.launcher import environment

FILES = {"requirements.txt": environment.LAB, "requirements-dev.txt": environment.TESTS}
HASHES = re.compile(r"((?: --hash=sha256:[0-9a-f]{64})+)$")
# Machines on which the lab runs, or which its requirements tell apart.
MACHINES = [
    {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": platform,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    for python, platform in itertools.product(
        ("3.11", "3.12", "3.13", "3.14"), ("linux", "darwin", "win32")
    )
]


def name_machine(machine):
    return f"{machine['sys_platform']}-{machine['python_version']}"


def chosen(file):
    """Return the requirements that a readable file asks for, those that it includes too."""
    found = []
    for line in (ROOT / file).read_text().splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("-r "):
            found += chosen(line[3:])
        elif line:
            found.append(Requirement(line))
    return found


def locked(file):
    """Return the requirements of a lock file without their hashes."""
    return [Requirement(HASHES.sub("", line)) for line in environment.read_requirements(file)]


def pins(requirements, machine):
    """Return which version of each package the requirements pin for a machine."""
    return {
        canonicalize_name(r.name): str(r.specifier)
        for r in requirements
        if r.marker is None or r.marker.evaluate(machine)
    }


@pytest.mark.parametrize("file", FILES)
def test_the_readable_requirements_are_exact(file):
    assert all(re.fullmatch(r"==[\w.]+", str(r.specifier)) for r in chosen(file))


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("machine", MACHINES, ids=name_machine)
def test_the_lock_file_holds_the_same_pins_for_each_machine(file, machine):
    """After a change of a readable file, `make lock` is due."""
    asked = pins(chosen(file), machine)

    held = pins(locked(FILES[file]), machine)

    assert {name: held.get(name) for name in asked} == asked


@pytest.mark.parametrize("file", FILES.values())
def test_each_locked_package_is_pinned_and_has_hashes(file):
    lines = environment.read_requirements(file)

    assert len(lines) > 50
    for line in lines:
        assert HASHES.search(line), line
        assert re.fullmatch(r"==[\w.]+", str(Requirement(HASHES.sub("", line)).specifier)), line


@pytest.mark.parametrize("file", FILES.values())
def test_a_lock_file_names_no_place_to_download_from(file):
    assert not re.search(r"://|--index-url|--find-links|--extra-index", (ROOT / file).read_text())


@pytest.mark.parametrize("machine", MACHINES, ids=name_machine)
def test_the_tests_run_with_the_very_packages_of_the_lab(machine):
    lab, tests = (pins(locked(file), machine) for file in FILES.values())

    assert lab.items() <= tests.items()


def test_what_the_packages_need_in_turn_is_locked_too():
    """Their own metadata says what that is, for the Python that runs this test."""
    here = default_environment()
    held = pins(locked(environment.LAB), here)
    todo = [r for r in chosen("requirements.txt") if r.marker is None or r.marker.evaluate()]
    seen = set()

    while todo:
        package = todo.pop()
        if str(package) in seen:
            continue
        seen.add(str(package))
        assert canonicalize_name(package.name) in held, package
        for need in map(Requirement, distribution(package.name).requires or []):
            extras = package.extras or {""}
            if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in extras):
                todo.append(need)

    assert len(seen) > len(chosen("requirements.txt"))
