"""Test `manage.py results` and the results that are published."""

import json
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from perflab.catalogue import registry
from tests.support.labs import ROOT
from tests.support.measure_command import QUICK, measured

in_process = pytest.mark.django_db


def results(*files):
    output = StringIO()
    call_command("results", *map(str, files), stdout=output)
    return output.getvalue()


def cells(page):
    """The rows of the page's table, as lists of texts, without its head."""
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@in_process
@pytest.mark.long
def test_results_stand_variant_by_variant(tmp_path):
    one = measured(tmp_path, "n-plus-one", "cache-page", *QUICK)
    other = {**one, "lab": {**one["lab"], "database": "PostgreSQL 15.1"}}
    other["experiments"] = other["experiments"][:1]
    for name, result in (("one", one), ("other", other)):
        (tmp_path / name).write_text(json.dumps(result))

    page = results(tmp_path / "one", tmp_path / "other")

    first, second = cells(page)
    assert first[:2] == ["`n-plus-one`", "11 → 1"]
    assert len(first) == 6
    assert first[2:4] == first[4:6]
    assert second[4:] == ["–", "–"]
    assert "- **PostgreSQL 15.1**, 20" in page
    assert "1,851 Movie" in page


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", '{"version": 2, "experiments": []}'])
def test_a_file_that_holds_no_results_is_refused_in_one_line(tmp_path, text):
    file = tmp_path / "file.json"
    file.write_text(text)

    with pytest.raises(CommandError, match="is not what `measure --json` writes") as refused:
        results(file)

    assert refused.value.returncode == 2


def test_results_of_an_older_version_are_refused_in_one_line(tmp_path):
    file = tmp_path / "file.json"
    file.write_text('{"version": 1, "experiments": [{"slug": "n-plus-one", "rungs": []}]}')

    with pytest.raises(CommandError, match="is of another version, 1") as refused:
        results(file)

    assert refused.value.returncode == 2


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path):
    with pytest.raises(CommandError, match="No such file") as refused:
        results(tmp_path / "nothing.json")

    assert refused.value.returncode == 2


def test_the_published_results_were_written_by_the_command():
    folder = ROOT / "docs/results"

    page = results(folder / "sqlite.json", folder / "postgresql.json")

    assert (ROOT / "docs/results.md").read_text() == page


def test_the_published_results_name_every_experiment_with_figures_for_both_databases():
    rows = cells((ROOT / "docs/results.md").read_text())

    newer = {e.slug for e in registry.experiments.values() if e.needs.startswith("django>=")}
    measured = set(registry.experiments) - newer
    assert sorted(row[0].strip("`") for row in rows) == sorted(measured)
    for row in rows:
        assert re.fullmatch(
            r"[\d.,]+( → [\d.,]+)+( MB| bytes| cache calls?)?", row[1].split(" / ")[0]
        )
        for medians, ratio in (row[2:4], row[4:6]):
            if (medians, ratio) == ("–", "–"):
                assert registry.get(row[0].strip("`")).needs
                continue
            assert all(float(median) > 0 for median in medians.split(" → "))
            # In process one worker answers, which gives some stories no verdict.
            assert re.search(r"[\d.,]+ \([\d.,]+ to [\d.,]+\)$|^not judged: The lesson", ratio)
