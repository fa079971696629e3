"""Several instances behind the real HAProxy and nginx: nobody is to notice that one ends."""

from tests.support.balancers import GUIDE
from tests.support.labs import ROOT


def test_the_guide_and_the_architecture_name_every_file():
    for path in (ROOT / "deploy").iterdir():
        if path.is_file() and path.name != "release":
            assert f"deploy/{path.name}" in GUIDE
    assert "deploy/" in (ROOT / "docs/architecture.md").read_text()
    assert "(docs/deploy.md)" in (ROOT / "README.md").read_text()
