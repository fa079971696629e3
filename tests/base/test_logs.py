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
