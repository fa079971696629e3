"""Test that the tools of `make lint` find what they are there for: a mistake turns it red."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from perflab.base.paths import ROOT

pytestmark = pytest.mark.usefixtures("may_start_servers")

BIN = Path(sys.executable).parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
TYPED = CONFIGURATION["tool"]["mypy"]["files"]

WRONG_TYPE = "def seeded() -> int:\n    return 'no number'\n"
NO_TYPES = "def unhinted(value):\n    return value\n"
BARE_IGNORE = "ignored: int = 'no number'  # type: ignore\n"
USELESS_IGNORE = "useless: int = 1  # type: ignore[assignment]\n"


def mypy(folder):
    """Run mypy with the project's configuration; return its status and its errors by file."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", folder / "cache", "--no-error-summary"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    errors = {}
    for line in done.stdout.splitlines():
        file, code = re.fullmatch(
            r"(\S+?):\d+: (?:error|note): .*?(?:\[([\w-]+)\])?", line
        ).groups()
        if code:
            errors.setdefault(file, []).append(code)
    return done.returncode, errors


def test_a_wrong_type_in_any_typed_package_turns_mypy_red(tmp_path):
    shutil.copytree(ROOT / "perflab", tmp_path / "perflab")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    seeded = {}
    for name in TYPED:
        path = tmp_path / name
        module = path if path.is_file() else path / "seeded.py"
        with module.open("a") as file:
            file.write(f"\n\n{WRONG_TYPE}")
        seeded[str(module.relative_to(tmp_path))] = ["return-value"]
    with (tmp_path / "perflab/caches/seeded.py").open("a") as file:
        file.write(f"{NO_TYPES}{BARE_IGNORE}{USELESS_IGNORE}")
    more = ["no-untyped-def", "ignore-without-code", "unused-ignore"]
    seeded["perflab/caches/seeded.py"] += more

    status, errors = mypy(tmp_path)

    assert status == 1
    assert errors == seeded  # and so nothing else is wrong


def test_every_ignored_type_error_has_its_reason():
    found = []
    for name in TYPED:
        path = ROOT / name
        for module in [path] if path.is_file() else path.rglob("*.py"):
            for line in module.read_text().splitlines():
                if "type: ignore" in line:
                    found.append((module.name, line))
    unexplained = [
        (name, line) for name, line in found if not re.search(r"# type: ignore\[.+\]  # \w", line)
    ]

    assert unexplained == []


def lint_template(folder, text):
    """Run djlint on a template; return its status and the codes of what it finds."""
    for name in ("pyproject.toml", ".djlint_rules.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "templates").mkdir()
    (folder / "templates/page.html").write_text(text)
    done = subprocess.run(
        [BIN / "djlint", "--quiet", "templates"], cwd=folder, capture_output=True, text=True
    )
    return done.returncode, set(re.findall(r"^([A-Z]\d{3}) ", done.stdout, re.MULTILINE))


def test_mistakes_in_a_template_turn_djlint_red(tmp_path):
    status, codes = lint_template(
        tmp_path,
        "{% load static %}\n"
        '<p class="one" class="two">Duplicate attribute</p>\n'
        "<div><span>Not closed</div>\n"
        "{% if films %}<p>Not ended</p>\n"
        '<img src="/static/perflab/lanes.svg">\n'
        "<label>No type<button>Send</button></label>\n"
        f"<p>{'long ' * 24}</p>\n",
    )

    assert status == 1
    assert codes >= {"H037", "H025", "T038", "D004", "H013", "H043", "P001"}


def test_a_template_without_mistakes_is_left_alone(tmp_path):
    page = '<p class="lead">{{ film.title }}</p>\n<button type="submit">Send</button>\n'

    assert lint_template(tmp_path, page) == (0, set())
