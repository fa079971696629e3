"""Files are written whole or not at all, read without an error, and kept in bounds."""

import json
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from perflab.base.files import (
    draft_of,
    is_collected,
    keep_newest,
    newest_first,
    read_json,
    remove_drafts,
    write_json,
    write_text,
    write_text_once,
)
from tests.support.labs import ROOT
from tests.support.services import tie_to_parent


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "figures.json"

    write_json(path, {"name": "Amélie", "figures": [1, 2.5, None]}, indent=1)

    assert read_json(path, dict) == {"name": "Amélie", "figures": [1, 2.5, None]}
    assert os.listdir(tmp_path) == ["figures.json"]


def test_a_value_that_json_cannot_hold_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "figures.json"
    write_json(path, {"old": 1})

    with pytest.raises(TypeError):
        write_json(path, {"new": object()})

    assert read_json(path, dict) == {"old": 1}
    assert os.listdir(tmp_path) == ["figures.json"]


def test_writing_that_fails_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "figures.json"
    write_json(path, {"old": 1})

    with pytest.raises(UnicodeEncodeError):
        write_text(path, "half of it, then \ud800")
    with suppress(KeyboardInterrupt), draft_of(path) as draft:
        draft.write_text("half of it")
        raise KeyboardInterrupt

    assert read_json(path, dict) == {"old": 1}
    assert os.listdir(tmp_path) == ["figures.json"]


def test_a_file_that_cannot_be_put_in_its_place_leaves_no_draft(tmp_path):
    (tmp_path / "folder").mkdir()

    with pytest.raises(OSError, match="folder"):
        write_json(tmp_path / "folder", {})
    with pytest.raises(FileNotFoundError):
        write_json(tmp_path / "missing" / "figures.json", {})

    assert os.listdir(tmp_path) == ["folder"]


def test_a_reader_finds_one_whole_file_while_many_write(tmp_path):
    path = tmp_path / "figures.json"
    write_json(path, {"writer": 0, "text": ""})

    def write(number):
        for _ in range(20):
            write_json(path, {"writer": number, "text": str(number) * 20_000})

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(1, 9)]
        while not all(writer.done() for writer in writers):
            found = read_json(path, dict)
            assert set(found["text"]) <= {str(found["writer"])}
        for writer in writers:
            writer.result()

    assert os.listdir(tmp_path) == ["figures.json"]


def test_a_file_is_as_private_as_asked(tmp_path):
    write_text(tmp_path / "secret", "x", mode=0o600)

    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_of_many_who_write_once_one_succeeds(tmp_path):
    path = tmp_path / "key"

    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: write_text_once(path, str(number)), range(8)))

    assert written.count(True) == 1
    assert path.read_text() == str(written.index(True))
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"null", b"\xff\xfe", b"[" * 100_000, b'"text"']
)
def test_what_is_no_json_of_that_kind_is_read_as_the_default(tmp_path, content):
    path = tmp_path / "figures.json"
    path.write_bytes(content)

    assert read_json(path, dict) is None
    assert read_json(path, dict, default={}) == {}


def test_what_cannot_be_read_is_read_as_the_default(tmp_path):
    assert read_json(tmp_path / "missing.json", dict, default={}) == {}
    assert read_json(tmp_path, dict) is None


def test_a_pipe_or_a_device_in_the_place_of_a_file_is_not_read(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b'{"a": 1}')
    os.close(writing)
    path = tmp_path / "file.json"
    path.symlink_to(f"/dev/fd/{reading}")

    try:
        assert read_json(path, dict) is None
    finally:
        os.close(reading)


def make_files(folder, count):
    """Make files of which a higher number is newer; return their names, the newest first."""
    for number in range(count):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(number))
        os.utime(path, ns=(number, number))
    return [f"{number}.json" for number in reversed(range(count))]


def test_the_newest_files_stay(tmp_path):
    names = make_files(tmp_path, 12)
    (tmp_path / "other.txt").touch()

    keep_newest(tmp_path, "*.json", 5)

    assert [path.name for path in newest_first(tmp_path, "*.json")] == names[:5]
    assert (tmp_path / "other.txt").exists()


def test_what_is_dated_in_the_future_does_not_delete_what_is_new(tmp_path):
    """A clock was wrong, and is right again."""
    for number in range(5):
        path = tmp_path / f"future-{number}.json"
        path.touch()
        os.utime(path, (time.time() + 86_400 + number,) * 2)
    make_files(tmp_path, 3)
    (tmp_path / "new.json").touch()

    keep_newest(tmp_path, "*.json", 5)

    assert [path.name for path in newest_first(tmp_path, "*.json")] == [
        *("new.json", "2.json", "1.json", "0.json", "future-4.json")
    ]


def test_files_of_a_server_whose_clock_is_ahead_are_in_order(tmp_path):
    ahead = time.time() + 3600
    for number in range(3):
        path = tmp_path / f"{number}.json"
        path.touch()
        os.utime(path, (ahead - 1000 + number,) * 2)
    make_files(tmp_path, 1)
    os.utime(tmp_path, (ahead, ahead))

    assert [path.name for path in newest_first(tmp_path, "*.json")][0] == "2.json"


@pytest.mark.usefixtures("may_start_servers")
def test_drafts_of_a_process_that_was_killed_are_deleted(tmp_path):
    """Those that somebody writes stay, and so does what is no draft."""
    program = (
        "import sys, time; from pathlib import Path; from perflab.base import files\n"
        "with files.draft_of(Path(sys.argv[1])): print(flush=True); time.sleep(300)"
    )
    (tmp_path / "deep").mkdir()
    command = [sys.executable, "-c", program, str(tmp_path / "deep" / "file.json")]
    killed, living = (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, preexec_fn=tie_to_parent())
        for _ in range(2)
    )
    try:
        for process in (killed, living):
            process.stdout.readline()
        killed.kill()
        killed.wait()
        (tmp_path / "deep" / ".hidden").touch()
        for path in (tmp_path / "deep").iterdir():
            os.utime(path, (1, 1))

        remove_drafts(tmp_path)

        assert len(list(tmp_path.rglob(".*.draft"))) == 1
        assert (tmp_path / "deep" / ".hidden").exists()
    finally:
        for process in (killed, living):
            process.kill()
            process.communicate()


def test_folders_are_deleted_with_what_is_in_them(tmp_path):
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "file").touch()
        os.utime(tmp_path / str(number), ns=(number, number))

    keep_newest(tmp_path, "[0-9]", 1)

    assert os.listdir(tmp_path) == ["2"]


@pytest.mark.parametrize(
    ("size", "left"), [(0, ["4"]), (250, ["3", "4"]), (300, ["2", "3", "4"]), (9999, list("1234"))]
)
def test_the_newest_folders_stay_up_to_a_size(tmp_path, size, left):
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        for name in ("one", "two"):
            (tmp_path / str(number) / name).write_bytes(b"x" * 50)
        os.utime(tmp_path / str(number), ns=(number, number))

    keep_newest(tmp_path, "[0-9]", 4, size)

    assert sorted(os.listdir(tmp_path)) == left


def test_nothing_is_deleted_where_there_is_nothing(tmp_path):
    keep_newest(tmp_path / "missing", "*", 1)

    assert newest_first(tmp_path / "missing", "*") == []


def test_many_may_delete_at_once(tmp_path):
    make_files(tmp_path, 200)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: keep_newest(tmp_path, "*.json", 10), range(8)))

    assert len(os.listdir(tmp_path)) == 10


@pytest.fixture
def collected(tmp_path):
    """A folder of static files, and the folder to which they were collected."""
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        (folder / "css").mkdir(parents=True)
        (folder / "css/site.css").write_text("a {}")
    (target / "staticfiles.json").write_text("{}")
    return source, target


def test_collected_files_are_known_by_name_and_time(collected):
    source, target = collected

    assert is_collected(source, target)
    os.utime(source / "css/site.css", (2e9, 2e9))  # changed since
    assert not is_collected(source, target)
    os.utime(target / "css/site.css", (2e9, 2e9))
    assert is_collected(source, target)
    (source / "css/new.css").write_text("b {}")
    assert not is_collected(source, target)


def test_without_a_manifest_nothing_is_collected(collected):
    source, target = collected
    (target / "staticfiles.json").unlink()

    assert not is_collected(source, target)
