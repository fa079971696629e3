"""The command line that starts the lab's Gunicorn."""

import sys
from collections.abc import Sequence
from pathlib import Path

from perflab.base import paths

CONFIGURATION = paths.ROOT / "gunicorn.conf.py"


def gunicorn_command(
    address: object,
    options: Sequence[str] = (),
    configuration: Path = CONFIGURATION,
    application: str = "perflab.wsgi",
) -> list[str]:
    """Return the command that serves the lab at an address, HOST:PORT.

    `options` are further options of Gunicorn's, which override the configuration file.
    """
    return [
        *(sys.executable, "-m", "gunicorn", application),
        *("--config", str(configuration), "--bind", str(address)),
        *options,
    ]
