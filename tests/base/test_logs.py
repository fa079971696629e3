"""Test the log files that the launcher keeps."""

from perflab.base import logs


def test_a_long_log_is_put_aside_and_its_end_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 100)
    (tmp_path / "log").mkdir()
    path = tmp_path / "log" / "some.log"
    path.write_text("old " * 50)

    with logs.open_log(tmp_path, "some.log") as log:
        start = log.tell()
        log.write(b"one\ntwo\n\nthree\n")
    assert (start, path.read_text()) == (0, "one\ntwo\n\nthree\n")
    assert path.with_suffix(".log.1").read_text() == "old " * 50

    assert logs.last_lines(path, 4, lines=2) == f"two | three (all of it: {path})"


def test_the_logs_of_a_running_lab_stay_short(tmp_path, monkeypatch):
    """The one is moved, the others are emptied, since their writers go on writing."""
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 100)
    folder = tmp_path / "log"
    folder.mkdir()
    with (
        logs.open_log(tmp_path, "some.log") as some,
        logs.open_log(tmp_path, "access.log") as access,
    ):
        for log in (some, access):
            log.write(b"old " * 50)
            log.flush()
        (folder / "short.log").write_text("short")

        logs.keep_short(tmp_path, ["some.log", "short.log", "missing.log"])
        for log in (some, access):
            log.write(b"new")
            log.flush()

    assert (folder / "some.log").read_text() == "new"
    assert (folder / "some.log.1").read_text() == "old " * 50
    assert (folder / "access.log.1").read_text() == "old " * 50 + "new"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("access.log.1", "short.log", "some.log", "some.log.1")
    ]
    # What it wrote since byte 150 is all that there is by now.
    assert logs.last_lines(folder / "some.log", 150).startswith("new (")


def test_a_log_that_cannot_be_copied_is_emptied_all_the_same(tmp_path, monkeypatch):
    """The disk is full: the log is the least that is needed."""
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 100)
    (tmp_path / "log").mkdir()
    path = tmp_path / "log" / "some.log"
    path.write_text("old " * 50)
    path.with_suffix(".log.1").mkdir()  # copying fails

    logs.keep_short(tmp_path, ["some.log"])

    assert path.read_text() == ""
