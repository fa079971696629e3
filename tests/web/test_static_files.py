"""Test the style sheets and scripts that the lab serves."""

import gzip
import json
import posixpath
import re

import pytest

from tests.support.labs import ROOT, manage, visit

STATIC = ROOT / "perflab/static"
PAGES = ["/", "/experiments/n-plus-one/", "/load/", "/system/", "/tuning/", "/films/"]
# A script imports others at once, or later, when a button needs them.
IMPORT = re.compile(r'from "(\.[^"]+)";')
LATER_IMPORT = re.compile(r'import\("(\.[^"]+)"\)')


def imports(name, text, pattern=IMPORT):
    """Return the names of the scripts that the text of a script imports."""
    folder = posixpath.dirname(name)
    return {posixpath.normpath(f"{folder}/{address}") for address in pattern.findall(text)}


def files_of(page):
    """Return the style sheets and scripts that a page loads, by name."""
    waiting = re.findall(r'(?:href|src)="/static/(perflab/[^"]+\.(?:css|js))"', page)
    waiting = [re.sub(r"\.[0-9a-f]{12}(?=\.)", "", name) for name in waiting]
    files = {}
    while waiting:
        name = waiting.pop()
        files[name] = (STATIC / name).read_bytes()
        waiting += imports(name, files[name].decode()) - files.keys()
    return files


@pytest.mark.django_db(databases="__all__")
@pytest.mark.parametrize("path", PAGES)
def test_the_css_and_js_of_a_page_weigh_less_than_30_kb_on_the_wire(client, path):
    """The files are measured as they are served: compressed."""
    files = files_of(client.get(path).text)

    assert "perflab/css/site.css" in files
    assert sum(len(gzip.compress(content)) for content in files.values()) < 30_000


@pytest.mark.django_db(databases="__all__")
def test_a_page_s_own_scripts_are_all_loaded_or_can_be(client):
    files = set()
    for path in PAGES:
        files |= files_of(client.get(path).text).keys()
    waiting = list(files)
    while waiting:
        name = waiting.pop()
        text = (STATIC / name).read_text()
        found = imports(name, text) | imports(name, text, LATER_IMPORT)
        waiting += found - files
        files |= found

    ours = [*STATIC.rglob("*.css"), *STATIC.rglob("*.js")]
    assert files == {path.relative_to(STATIC).as_posix() for path in ours}


@pytest.mark.usefixtures("may_start_servers")
@pytest.mark.django_db(databases="__all__")
def test_collected_modules_import_each_other_by_their_hashed_names(tmp_path):
    manage("collectstatic", "--noinput", PERFLAB_VAR=str(tmp_path))

    names = json.loads((tmp_path / "static/staticfiles.json").read_text())["paths"]
    imported = set()
    for name in (name for name in names if name.startswith("perflab/js/")):
        module = (tmp_path / "static" / names[name]).read_text()
        imported |= imports(name, module) | imports(name, module, LATER_IMPORT)
    assert "perflab/js/compare/main.js" in names
    assert len(imported) > 20
    assert imported <= set(names.values())
    assert not imported & names.keys()


@pytest.mark.usefixtures("may_start_servers")
def test_files_that_are_newer_than_those_collected_are_served_as_they_are(
    seeded_database, tmp_path
):
    """The manifest of an earlier version does not know them, or by other contents."""
    seeded_database.copy_to(tmp_path / "perflab.sqlite3")
    (tmp_path / "static").mkdir()
    paths = {"perflab/old.css": "perflab/old.1.css"}
    manifest = json.dumps({"version": "1.1", "hash": "x", "paths": paths})
    (tmp_path / "static/staticfiles.json").write_text(manifest)
    environment = {"PERFLAB_VAR": str(tmp_path), "PERFLAB_TOOLBAR": "0"}

    page = visit("/experiments/n-plus-one/slow/?movies=3", **environment)
    [style] = re.findall(r'href="(/static/perflab/css/site[^"]*)"', page)

    assert page.startswith("200 ")
    assert style == "/static/perflab/css/site.css"
    assert "ok    n-plus-one" in manage("verify", "n-plus-one", **environment)
