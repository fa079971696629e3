"""Test what `manage.py import_imdb` says and refuses."""

import pytest
from django.core.management import call_command, execute_from_command_line
from django.core.management.base import CommandError

from movies.imdb import dumps
from tests.support.imdb_dumps import nothing_changes

# What is not taken, and why


@pytest.mark.django_db
def test_the_command_tells_what_it_did_and_what_it_left_out(irregular, capsys):
    call_command("import_imdb", str(irregular), replace=True)

    output, errors = capsys.readouterr()
    first, *others = output.splitlines()
    assert errors == ""
    assert first.startswith("Imported 5 films (most votes first), 3 directors, 97 countries, ")
    assert "Not used in name.basics: 1 listed before, 1 with a name of more than 200 " in output
    assert "Not used in title.basics: 1 for adults, 1 listed before, 2 of another type, " in output
    assert [line.split(":")[0] for line in others[:5]] == [
        *(f"Not used in {name}" for name in dumps.COLUMNS),
        "Not used in the collection",
    ]
    assert "Information courtesy of IMDb" in others[-1]


# All or nothing


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["nowhere", "title.basics.tsv.gz", "a\nb", "x" * 5000])
def test_what_is_no_folder_gets_one_line(folder, where):
    with nothing_changes(), pytest.raises(CommandError, match="cannot be read") as refused:
        call_command("import_imdb", str(folder / where), replace=True)

    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "arguments",
    [[], ["DIR", "--limit", "0"], ["DIR", "--limit", "x"], ["DIR", "--type", "song"], ["A", "B"]],
    ids=" ".join,
)
def test_nonsense_gets_one_line_and_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "import_imdb", *arguments])

    output, errors = capsys.readouterr()
    assert (ended.value.code, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("import_imdb: ")
