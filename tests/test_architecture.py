"""Who may import whom: DESIGN's arrows between the packages, one rule an arrow."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"perflab", "movies", "locustfiles", "tests"}

# What the modules of a package may import of ours, beside those of the package itself.
MAY_IMPORT = {
    "base": set(),
    "launcher": {"base"},
    "catalogue": {"base"},
    "measure": {"base"},
    "caches": {"base", "measure"},
    "postgresql": {"measure"},
    "compare": {"base", "catalogue", "measure", "caches"},
    "workers": {"base", "measure"},
    "load": {"base", "catalogue", "measure", "workers"},
    "web": {"base", "catalogue", "measure", "caches", "compare", "workers", "load", "postgresql"},
}
# Modules at the root of perflab/ that stand beside Django's settings: every package that uses
# Django may import them.
BESIDE_SETTINGS = {"access", "ownership", "settings"}
WITHOUT_DJANGO = {"base", "launcher"}

# Pure modules: numbers and text in, numbers and text out.
PURE = (
    "base/messages",
    "base/numbers",
    "compare/page_diff",
    "compare/story_verdicts",
    "measure/server_timing",
    "measure/statements",
    "measure/stats",
    "workers/autoscaler",
)


def imported_modules(path):
    """Return the absolute names of all modules that a file imports, relative ones resolved."""
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


def rooms_of(path):
    """Return the packages, and the modules at the root, of perflab that a file imports."""
    imported = [name.split(".") for name in ours(path)]
    return {parts[1] for parts in imported if parts[0] == "perflab" and len(parts) > 1}


def python_files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def packages():
    return sorted(path.parent.name for path in (ROOT / "perflab").glob("*/__init__.py"))


def id_of(path):
    return str(path.relative_to(ROOT).with_suffix(""))


def test_imports_are_seen_whether_absolute_or_relative():
    assert "perflab.web.errors" in ours(ROOT / "perflab/web/middleware.py")
    assert "movies.models" in ours(ROOT / "movies/experiments/n_plus_one.py")


def test_every_package_has_its_rule():
    django_s_own = {"management", "migrations", "templatetags"}

    assert set(packages()) - django_s_own == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package):
    allowed = MAY_IMPORT[package] | {package}
    if package not in WITHOUT_DJANGO:
        allowed |= BESIDE_SETTINGS

    for path in python_files(f"perflab/{package}"):
        assert rooms_of(path) <= allowed, path


@pytest.mark.parametrize(
    "path", sorted((ROOT / "perflab").rglob("__init__.py")), ids=lambda path: path.parent.name
)
def test_every_package_says_what_lives_there(path):
    if path.parent.name in ("management", "commands", "migrations", "templatetags"):
        return  # Django's own folders

    paragraph = ast.get_docstring(ast.parse(path.read_text()))

    assert paragraph
    assert len(paragraph.split()) >= 8


@pytest.mark.parametrize("path", python_files("perflab"), ids=id_of)
def test_perflab_never_imports_movies(path):
    assert not [name for name in ours(path) if name.split(".")[0] in ("movies", "tests")]


@pytest.mark.parametrize("path", python_files("perflab"), ids=id_of)
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
def test_a_pure_module_imports_nothing_of_ours_and_no_django(module):
    path = ROOT / f"perflab/{module}.py"

    assert ours(path) == set()
    assert "django" not in {name.split(".")[0] for name in imported_modules(path)}


@pytest.mark.parametrize("package", sorted(WITHOUT_DJANGO))
def test_base_and_launcher_need_only_the_standard_library(package):
    files = {ROOT / "perflab/__main__.py", *python_files(f"perflab/{package}")}
    # The environment's Python runs these two; the second one looks which Django there is.
    exempt = {ROOT / "perflab/launcher/prepare.py", ROOT / "perflab/base/entry.py"}
    for path in files - exempt:
        for name in imported_modules(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or top in ("perflab", "__future__"), name


def test_the_models_import_only_django():
    imported = imported_modules(ROOT / "movies/models.py")

    assert {name.split(".")[0] for name in imported} == {"django"}


@pytest.mark.parametrize("path", python_files("movies/experiments"), ids=id_of)
def test_experiments_import_only_movies_and_the_catalogue(path):
    allowed = ("perflab.catalogue.", "movies.")

    assert not [name for name in ours(path) if not f"{name}.".startswith(allowed)]


@pytest.mark.parametrize("path", python_files("movies"), ids=id_of)
def test_movies_uses_little_of_the_bench(path):
    """Errors for visitors, who is local, messages for commands, the catalogue for what it tells."""
    allowed = set()
    if path.name != "models.py":
        allowed |= {"catalogue", "web", "base", "management", "ownership", "access"}

    assert rooms_of(path) <= allowed


@pytest.mark.parametrize("path", python_files("locustfiles"), ids=id_of)
def test_locustfiles_import_nothing_of_the_lab(path):
    assert {name.split(".")[0] for name in ours(path)} <= {"locustfiles"}


def test_every_experiment_module_is_listed():
    from perflab.catalogue import registry

    modules = {path.stem for path in python_files("movies/experiments")} - {"__init__"}

    assert {slug.replace("-", "_") for slug in registry.experiments} == modules
