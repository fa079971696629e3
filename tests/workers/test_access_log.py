"""Test that the access log is written quickly, and says what Gunicorn's own logger would say."""

import io
import logging
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from perflab.workers import access_log
from tests.support.services import wait_until

REQUEST = SimpleNamespace(headers=[("HOST", "127.0.0.1")])
ENVIRON = {
    "REMOTE_ADDR": "127.0.0.1",
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/films/?q=%22&movies=3",
    "SERVER_PROTOCOL": "HTTP/1.1",
}


@pytest.fixture
def make_logger(tmp_path, monkeypatch):
    """A function that makes the logger of a Gunicorn with these settings, and its file's path."""
    log = logging.getLogger("gunicorn.access")

    def make(**settings):
        monkeypatch.setattr(log, "handlers", [])  # pytest has put its own there
        config = Config()
        path = tmp_path / "access.log"
        defaults = {"accesslog": str(path), "access_log_format": access_log.FORMAT}
        for name, value in (defaults | settings).items():
            config.set(name, value)
        return access_log.MillisecondLogger(config), path

    yield make
    for handler in log.handlers:
        handler.close()


def response(status="200 OK", sent=512):
    return SimpleNamespace(status=status, sent=sent, headers=[("Content-Type", "text/html")])


@pytest.mark.parametrize(
    ("environ", "answer", "took"),
    [
        ({}, response(), timedelta(microseconds=1234)),
        ({}, response(status=204, sent=None), timedelta(seconds=61, microseconds=5)),
        ({"RAW_URI": '/"quoted"/\\x'}, response("404 Not Found", 0), timedelta(milliseconds=7)),
        ({"RAW_URI": "/caf\xe9"}, response(), timedelta(0)),
        ({"REMOTE_ADDR": "::1"}, response(), SimpleNamespace(seconds=3, microseconds=456)),
        ({"REMOTE_ADDR": ""}, response(), timedelta(days=1)),  # a Unix socket
    ],
)
def test_the_line_is_that_of_gunicorns_own_logger(make_logger, monkeypatch, environ, answer, took):
    logger, path = make_logger()
    monkeypatch.setattr(logger, "now", lambda: "[24/Nov/2026:15:25:19 +0000]")
    environ = ENVIRON | environ

    logger.access(answer, REQUEST, environ, took)
    assert logger.direct_handler is not None
    logger.direct_handler = None
    logger.access(answer, REQUEST, environ, took)

    direct, gunicorns = path.read_text().splitlines()
    assert direct == gunicorns
    assert f"<{os.getpid()}>" in direct


def test_every_second_has_its_own_time(make_logger, monkeypatch):
    logger, path = make_logger()
    for now, text in ((10.0, "[one]"), (10.9, "[late]"), (11.0, "[two]")):
        monkeypatch.setattr(access_log.time, "time", lambda now=now: now)
        monkeypatch.setattr(logger, "now", lambda text=text: text)
        logger.access(response(), REQUEST, ENVIRON, timedelta(0))

    assert [line.split()[0] for line in path.read_text().splitlines()] == [
        "[one]",
        "[one]",
        "[two]",
    ]


def test_another_format_is_written_as_gunicorn_does(make_logger):
    logger, path = make_logger(access_log_format="%(m)s %(ms)s %({content-type}o)s")

    logger.access(response(), REQUEST, ENVIRON, timedelta(milliseconds=2))

    assert path.read_text() == "GET 2.00 text/html\n"


def test_a_log_that_nobody_can_read_is_not_written(make_logger):
    logger, _ = make_logger(accesslog=os.devnull)

    logger.access(response(), REQUEST, {}, None)  # not looked at

    assert not logger.access_log_enabled


def test_a_file_that_django_has_closed_is_opened_anew(make_logger):
    logger, path = make_logger()
    logger.direct_handler.close()  # Django does so when it sets up its own logging

    for _ in range(2):
        logger.access(response(), REQUEST, ENVIRON, timedelta(0))

    assert len(path.read_text().splitlines()) == 2


def test_a_file_that_was_moved_is_opened_anew_within_a_second(make_logger, monkeypatch):
    logger, path = make_logger()
    for now in (10.0, 10.9, 11.0, 11.1):
        monkeypatch.setattr(access_log.time, "time", lambda now=now: now)
        logger.access(response(), REQUEST, ENVIRON, timedelta(0))
        if now == 10.0:
            path.rename(path.with_suffix(".log.1"))

    assert len(path.with_suffix(".log.1").read_text().splitlines()) == 2
    assert len(path.read_text().splitlines()) == 2


def test_a_folder_that_is_gone_fails_no_request(make_logger, monkeypatch):
    logger, path = make_logger()
    errors = []
    monkeypatch.setattr(logger, "error", lambda text, *arguments: errors.append(text))
    path.parent.rename(path.parent.with_name("gone"))

    logger.access(response(), REQUEST, ENVIRON, timedelta(0))

    assert errors
    assert all("No such file" in error for error in errors)


@pytest.mark.parametrize(
    "arguments", [(), ("--access-logformat", "%(r)s")], ids=["the lab's format", "another format"]
)
def test_no_line_is_lost_or_doubled_while_the_file_is_moved(start_lab, tmp_path, arguments):
    """Several workers of several threads write it; each request has a number."""
    path = tmp_path / "access.log"
    lab = start_lab(workers=2, threads=2, arguments=("--access-logfile", str(path), *arguments))
    stop = threading.Event()

    def visit(visitor):
        number = 0
        while not stop.is_set():
            assert lab.get(f"/experiments.json?number={visitor}-{number}").status == 200
            number += 1
        return number

    with ThreadPoolExecutor(4) as pool:
        visits = [pool.submit(visit, visitor) for visitor in range(4)]
        try:
            for part in range(3):
                time.sleep(1.1)
                wait_until(path.exists, "the file")
                path.replace(tmp_path / f"access.log.{part}")
            wait_until(path.exists, "the file")
        finally:
            stop.set()
        sent = {f"{visitor}-{n}" for visitor, one in enumerate(visits) for n in range(one.result())}

    def numbers():
        text = "".join(file.read_text() for file in tmp_path.glob("access.log*"))
        return re.findall(r"number=(\d+-\d+) ", text)

    wait_until(lambda: set(numbers()) == sent, "the lines")
    assert len(numbers()) == len(sent)
    assert len(list(tmp_path.glob("access.log*"))) == 4


def test_the_lines_reach_a_file(start_lab, tmp_path):
    path = tmp_path / "access.log"
    lab = start_lab(workers=1, arguments=("--access-logfile", str(path)))

    for number in range(3):
        lab.get(f"/experiments.json?number={number}")

    wait_until(lambda: path.read_text().count("?number=") == 3, "the lines")
    assert "Traceback" not in lab.log_text()


class FullDisk(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_fails_no_request(make_logger, monkeypatch):
    logger, _ = make_logger()
    errors = []
    monkeypatch.setattr(logger, "error", errors.append)
    monkeypatch.setattr(logger.direct_handler, "stream", FullDisk())

    logger.access(response(), REQUEST, ENVIRON, timedelta(0))

    assert "No space left" in errors[-1]


@pytest.mark.parametrize("threads", [1, 4])
def test_no_line_is_lost_when_a_worker_is_killed(start_lab, threads):
    lab = start_lab(workers=1, threads=threads)

    for number in range(30):
        assert lab.get(f"/experiments.json?number={number}").status == 200
    os.kill(lab.worker_pids()[0], signal.SIGKILL)

    def numbers():
        return re.findall(r'"GET /experiments\.json\?number=(\d+) HTTP', lab.log_text())

    # The last one's line may be written after its answer has arrived here.
    wait_until(lambda: len(numbers()) >= 29, "the lines")
    assert numbers()[:29] == [str(number) for number in range(29)]
