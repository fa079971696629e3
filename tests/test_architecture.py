"""Who may import whom, as docs/architecture.md draws it."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"perflab", "movies", "locustfiles", "tests"}
PURE = ("registry", "probe", "knobs", "stats", "same_page", "server_timing")


def imported_modules(path):
    """The absolute names of all modules that a file imports, relative imports resolved."""
    package = path.relative_to(ROOT).parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def ours(path):
    return {name for name in imported_modules(path) if name.split(".")[0] in OURS}


def python_files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def test_imports_are_seen_whether_absolute_or_relative():
    assert "perflab.errors" in ours(ROOT / "perflab/middleware.py")
    assert "movies.models" in ours(ROOT / "movies/experiments/n_plus_one.py")


@pytest.mark.parametrize("path", python_files("perflab"), ids=lambda path: path.stem)
def test_perflab_never_imports_movies(path):
    assert not [name for name in ours(path) if name.split(".")[0] in ("movies", "tests")]


@pytest.mark.parametrize("path", python_files("perflab"), ids=lambda path: path.stem)
def test_perflab_names_movies_only_in_its_settings_and_urls(path):
    strings = {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    named = {text for text in strings if text.split(".")[0] == "movies"}

    if path.name not in ("settings.py", "urls.py"):
        assert not named - {"movies"}  # the knob of that name


@pytest.mark.parametrize("module", PURE)
def test_the_core_imports_nothing_of_ours(module):
    assert ours(ROOT / f"perflab/{module}.py") == set()


def test_the_models_import_only_django():
    imported = imported_modules(ROOT / "movies/models.py")

    assert {name.split(".")[0] for name in imported} == {"django"}


@pytest.mark.parametrize("path", python_files("movies/experiments"), ids=lambda path: path.stem)
def test_experiments_import_only_movies_and_the_registry(path):
    allowed = ("perflab.registry", "movies.")

    assert not [name for name in ours(path) if not f"{name}.".startswith(allowed)]


@pytest.mark.parametrize("path", python_files("locustfiles"), ids=lambda path: path.stem)
def test_locustfiles_import_nothing_of_the_lab(path):
    assert {name.split(".")[0] for name in ours(path)} <= {"locustfiles"}


def test_the_launcher_needs_only_the_standard_library():
    launcher = {ROOT / "perflab/__main__.py", *python_files("perflab/launcher")}
    for path in launcher - {ROOT / "perflab/launcher/prepare.py"}:  # the environment's Python's
        for name in imported_modules(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or top in ("perflab", "__future__"), name


def test_every_experiment_module_is_listed():
    from perflab import registry

    modules = {path.stem for path in python_files("movies/experiments")} - {"__init__"}

    assert {slug.replace("-", "_") for slug in registry.experiments} == modules
