"""Test the style sheets and scripts that the lab serves."""

import gzip
import json
import re

import pytest

from tests.support.labs import ROOT, manage

OUR_FILES = [*(ROOT / "perflab/static").rglob("*.css"), *(ROOT / "perflab/static").rglob("*.js")]


def test_our_css_and_js_weigh_less_than_30_kb_on_the_wire():
    """As they are served: compressed. All of them; no page loads as much."""
    assert sum(len(gzip.compress(path.read_bytes())) for path in OUR_FILES) < 30_000
    assert len(OUR_FILES) >= 2


@pytest.mark.django_db(databases="__all__")
def test_collected_modules_import_each_other_by_their_hashed_names(tmp_path):
    manage("collectstatic", "--noinput", PERFLAB_VAR=str(tmp_path))

    names = json.loads((tmp_path / "static/staticfiles.json").read_text())["paths"]
    module = (tmp_path / "static" / names["perflab/compare.js"]).read_text()
    imported = set(re.findall(r'from "\./([\w.]+)"', module))
    assert len(imported) > 3
    assert imported <= {name.removeprefix("perflab/") for name in names.values()} - names.keys()
    assert not imported & {name.removeprefix("perflab/") for name in names}
