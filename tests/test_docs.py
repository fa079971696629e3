"""Documents that cannot go stale: what they name exists, what exists is named, commands parse."""

import ast
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from perflab.catalogue import registry
from perflab.launcher import command as launcher
from perflab.web.glossary import WORDS
from tests.test_architecture import MAY_IMPORT

ROOT = Path(__file__).resolve().parent.parent
AT_THE_TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCS = [*AT_THE_TOP, *sorted((ROOT / "docs").glob("*.md")), ROOT / "movies/data/README.md"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ARTICLE = [
    "Theory of performance",
    "Measure first",
    "Do more",
    "Do less: database queries",
    "Do less: caching",
    "Tools to measure change",
]
DJANGO_S_OWN = {"management", "migrations", "templatetags"}  # folders that Django asks for
GLOSSARY = (
    *("experiment", "variant", "lane", "promise", "run", "load run", "point", "generate"),
    *("read and write", "calibrated page", "median", "p95", "interval", "warm and cold"),
    *("bare response", "round trip", "hit and miss"),
)


def name_of(path):
    return str(path.relative_to(ROOT))


def anchors(path):
    """Return the anchors that a forge makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings}


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_links_resolve(path):
    for target in LINK.findall(path.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{path.name} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{path.name} links to {target}"


# The article map


def test_the_article_map_follows_the_article():
    headings = re.findall(r"^## (.+)$", (ROOT / "docs/article-map.md").read_text(), re.MULTILINE)

    assert headings == ARTICLE


def test_the_article_map_names_every_experiment_and_no_other():
    text = (ROOT / "docs/article-map.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "where to" not in line]
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", text))

    assert named >= set(registry.experiments)
    assert {name for name in named if "-" in name} <= set(registry.experiments)
    assert all(row.split("|")[2].strip() for row in rows)


def test_the_article_map_names_files_and_commands_that_exist():
    text = (ROOT / "docs/article-map.md").read_text()

    for name in set(re.findall(r"locustfiles/(\w+\.py)", text)):
        assert (ROOT / "locustfiles" / name).exists(), name
    for name in set(re.findall(r"manage\.py (\w+)", text)):
        assert list(ROOT.glob(f"*/management/commands/{name}.py")), name


# The architecture


ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
TREE = re.search(r"```\n(.+?)```", ARCHITECTURE, re.DOTALL)[1]
PACKAGES = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", ARCHITECTURE, re.MULTILINE)


def paths_named(text):
    """Return the files and folders of Python code that a text names in code style."""
    return set(re.findall(r"`((?:\w+/)*\w+\.py|(?:\w+/)+)`", text))


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_modules_and_packages_that_a_document_names_exist(document):
    named = paths_named((ROOT / document).read_text())
    missing = {
        path
        for path in named
        if not (ROOT / path).exists() and not (ROOT / "perflab" / path).exists()
    }

    assert len(named) > 5
    assert missing - {"var/", "flush/", "var/runs/", "var/flush/"} == set()


def test_the_files_in_the_architecture_s_tree_exist():
    folder = ""
    for line in TREE.splitlines():
        if line[0] != " ":
            folder = line.split()[0] if line.split()[0].endswith("/") else ""
        for name in re.findall(r"[\w.]+\.(?:py|toml)\b|\b[\w/]+/(?=\s|$)|__main__", line):
            file = f"{name}.py" if name == "__main__" else name
            assert (ROOT / file).exists() or (ROOT / folder / file).exists(), line


def test_the_architecture_s_table_is_the_one_that_the_tests_hold():
    """Its rows are the packages from the ground up, with what each may import."""
    below = {}
    for package, cell in PACKAGES:
        allowed = set(re.findall(r"`(\w+)`", cell))
        if cell.startswith("all of the above but"):
            allowed = set(below) - allowed
        assert allowed <= set(below), f"{package} stands above what it imports"
        below[package] = allowed

    assert below == MAY_IMPORT


def test_no_package_is_missing_from_the_architecture():
    packages = {
        str(path.parent.relative_to(ROOT / "perflab"))
        for path in (ROOT / "perflab").rglob("__init__.py")
        if path.parent != ROOT / "perflab"
    }
    top = {name for name in packages if "/" not in name} - DJANGO_S_OWN
    inner = {name for name in packages if "/" in name and name.split("/")[0] not in DJANGO_S_OWN}
    named = paths_named(ARCHITECTURE)

    assert {package for package, _ in PACKAGES} == top
    for package in inner:
        assert any(path.startswith(f"{package}/") for path in named), package


# Contributing and the changelog


def test_contributing_explains_every_word():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    glossary = text.split("## Glossary")[1].split("\n## ")[0]

    for word in GLOSSARY:
        assert f"**{word}**" in glossary.lower(), word


def test_the_pages_explain_words_as_contributing_does():
    glossary = (ROOT / "CONTRIBUTING.md").read_text().split("## Glossary")[1].split("\n## ")[0]
    plain = " ".join(re.sub(r"[*`]", "", glossary).split())

    for word, meaning in WORDS.items():
        assert f"{word}: {meaning}".lower() in plain.lower(), word


def test_the_changelog_begins_with_what_is_unreleased():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert len(headings) > 1


# Commands


def lines_in(path):
    """Return the command lines of a document: those of its console blocks, one command each."""
    blocks = re.findall(r"^ *```console\n(.+?)^ *```", path.read_text(), re.DOTALL | re.MULTILINE)
    text = "\n".join(blocks).replace("\\\n", " ")
    return [line for line in (line.strip() for line in text.splitlines()) if line]


def words_of(line):
    """Return a command's words: no variables before it, no comment, pipe or redirection after."""
    words = shlex.split(line, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    for index, word in enumerate(words):
        if word in ("|", ">", "&&", "&"):
            return words[:index]
    return words


def is_pattern(line):
    """Say whether the line shows how a command is written, not one to type."""
    return "[" in line or "SCENARIO" in line


def documented_commands():
    """Return every line in a console block that somebody could type."""
    return [
        pytest.param(line, id=f"{path.name}: {line}")
        for path in DOCS
        for line in lines_in(path)
        if not is_pattern(line)
    ]


def parser_of(name):
    """Return the parser of a command of manage.py."""
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    parser.called_from_command_line = False
    return parser


def check_manage(words):
    """Parse `manage.py NAME …` as Django would."""
    name, *arguments = words
    parser_of(name).parse_args(arguments)


def mentioned_commands():
    """Return the commands of manage.py that stand within a sentence, with their options."""
    # The changelog tells of commands that are gone, too.
    text = "\n".join(path.read_text() for path in DOCS if path.name != "CHANGELOG.md")
    return sorted(set(re.findall(r"`(?:\.venv/bin/python )?manage\.py (\w[^`]*)`", text)))


def check_launcher(words):
    """Parse `python3 -m perflab …` as the launcher would."""
    _, command, rest = launcher.parse(words)
    for option in rest if command == "test" else []:
        assert option not in ("--quick", "--all") or option in launcher.HELP


def targets():
    """Return the Makefile's targets: name, explanation and recipe."""
    text = (ROOT / "Makefile").read_text()
    return re.findall(r"^([\w-]+):.*?## (.+)\n((?:\t.+\n)+)", text, re.MULTILINE)


@pytest.mark.parametrize("line", documented_commands())
def test_a_documented_command_is_understood(line, tmp_path, monkeypatch):
    words = words_of(line)
    program = Path(words[0]).name if words else ""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/a.whl").touch()
    monkeypatch.chdir(tmp_path)

    if "manage.py" in words:
        check_manage(words[words.index("manage.py") + 1 :])
    elif words[1:3] == ["-m", "perflab"]:
        check_launcher(words[3:])
    elif program == "make":
        assert {*words[1:]} <= {name for name, _, _ in targets()}
    for word in words:
        if word.startswith(("locustfiles/", "deploy/", "requirements", "tests/")):
            assert (ROOT / word.split("::")[0]).exists(), word


@pytest.mark.parametrize("mention", mentioned_commands())
def test_a_command_in_a_sentence_has_the_options_that_it_shows(mention):
    name, *words = mention.split()
    options = {option for action in parser_of(name)._actions for option in action.option_strings}

    assert {word for word in words if word.startswith("--")} <= options


def test_tests_that_documents_name_exist():
    for path in DOCS:
        for name in re.findall(r"\btests/[\w/]+\.py", path.read_text()):
            assert (ROOT / name).exists(), f"{path.name} names {name}"


def test_the_guide_and_the_architecture_name_the_files_of_deploy():
    guide = (ROOT / "docs/deploy.md").read_text()

    for path in (ROOT / "deploy").iterdir():
        if path.is_file() and path.name != "release":
            assert f"deploy/{path.name}" in guide
    assert "deploy/" in ARCHITECTURE
    assert "(docs/deploy.md)" in (ROOT / "README.md").read_text()


def test_the_makefile_explains_each_target_and_keeps_it_thin():
    names = [name for name, _, _ in targets()]
    everything = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert names == everything
    assert names[0] == "help"
    assert {"test", "quick", "all", "lint", "serve"} <= set(names)
    assert all(recipe.count("\n") <= 4 for _, _, recipe in targets())


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_the_first_pages_show_commands_of_the_lab(name):
    commands = [line for line in lines_in(ROOT / name) if "perflab" in line or "make" in line]

    assert len(commands) >= 2


# Python


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_names_that_examples_import_exist(path):
    blocks = re.findall(r"^```python\n(.+?)^```", path.read_text(), re.DOTALL | re.MULTILINE)
    for node in (node for block in blocks for node in ast.walk(ast.parse(block))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in ("perflab", "movies"):
            exec(ast.unparse(node), {})


# Requirements, and a new experiment


def test_every_requirement_is_pinned_and_has_a_reason():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert re.match(r"#|[\w.\[\]-]+==[\w.]+(; .+)?  # .+", line), line


def test_the_example_of_a_new_experiment_is_one():
    """The module in docs/adding-an-experiment.md imports and makes an Experiment."""
    text = (ROOT / "docs/adding-an-experiment.md").read_text()
    module = {}

    exec(re.search(r"```python\n(.+?)```", text, re.DOTALL)[1], module)

    assert isinstance(module["experiment"], registry.Experiment)
    assert [variant.name for variant in module["experiment"].variants] == ["slow", "fast"]
