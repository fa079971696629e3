"""Requests on a schedule, sent by a process of its own: open_loop_process.py."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from perflab.base import paths
from perflab.base.logs import last_lines, open_log
from perflab.base.processes import end, spawn

from ..model import OpenLoop
from ..plan import LoadRefused

PROGRAM = Path(__file__).with_name("open_loop_process.py")


@dataclass(frozen=True)
class OpenUpdate:
    """How long the requests have been going out; at the end also what they found."""

    seconds: float
    result: OpenLoop | None = None


def generate(path, server, per_s, seconds):
    """Yield an OpenUpdate twice a second as requests for `path` go to the lab; the last has all.

    Raises LoadRefused when the process ends before its time.
    """
    command = [sys.executable, str(PROGRAM), server.url + path, f"{per_s}", f"{seconds}"]
    with open_log(paths.var_folder(), "load-open.log") as log:
        log_start = log.tell()
        process = spawn(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            for line in process.stdout:
                record = json.loads(line)
                if record["last"]:
                    yield OpenUpdate(record["seconds"], OpenLoop.from_json(record))
                    return
                yield OpenUpdate(record["seconds"])
            words = last_lines(log.name, log_start, lines=1)
            raise LoadRefused(f"the open loop has ended: {words}")
        finally:
            end(process, 1)
            process.stdout.close()
