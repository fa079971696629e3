"""Docs that cannot rot: what they name exists, and what exists is named."""

import re

import pytest

from perflab.catalogue import registry
from tests.labs import ROOT

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ARTICLE = [
    "Theory of performance",
    "Measure first",
    "Do more",
    "Do less: database queries",
    "Do less: caching",
    "Tools to measure change",
]


def anchors(path):
    """The anchors that a forge makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_resolve(path):
    for target in LINK.findall(path.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), f"{path.name} links to {target}"
        assert not anchor or anchor in anchors(linked), f"{path.name} links to {target}"


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
