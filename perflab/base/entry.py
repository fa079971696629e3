"""What each entry point does before it loads Django: manage.py, the servers, the preparation."""

import contextlib
import os
import socket
import stat
import sys

from perflab.base.config import Problem, is_public, read_variable
from perflab.base.network import NOT_PUBLIC, Address, is_loopback

OLDEST_DJANGO = (5, 2)
SETTINGS = "perflab.settings"
BOOT_ERROR = 3  # with this status of a worker Gunicorn ends, instead of starting another one


def prepare_django() -> None:
    """Have Django read the lab's own settings, and check that it is new enough. Raises Problem.

    The shell may name the settings of another project, and PYTHONPATH another Django.
    """
    if not read_variable("DJANGO_SETTINGS_MODULE").startswith("perflab."):
        os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    try:
        import django
    except ImportError as error:
        raise Problem(
            f"Django is not installed for {sys.executable}: use .venv/bin/python."
        ) from error
    version = getattr(django, "VERSION", (0,))
    if tuple(version[:2]) < OLDEST_DJANGO:
        number = ".".join(map(str, version[:3]))
        raise Problem(
            f"this is Django {number}, from {list(django.__path__)[0]}, and the lab needs "
            f"{'.'.join(map(str, OLDEST_DJANGO))} or newer: is another one on PYTHONPATH?"
        )


def prepare_server() -> None:
    """Do the same in a worker of a server; end it with one line where something is wrong.

    A server without gunicorn.conf.py may listen for others although the lab is not public.
    """
    try:
        prepare_django()
        if not is_public():
            for host, port in listening_addresses():
                if not is_loopback(host):
                    raise Problem(NOT_PUBLIC.format(address=Address(host, port)))
    except Problem as problem:
        print(f"perflab: {problem}", file=sys.stderr, flush=True)
        sys.exit(BOOT_ERROR)


def listening_addresses() -> list[tuple[str, int]]:
    """Return the host and the port of each Internet socket on which this process listens."""
    found = []
    for descriptor in range(3, 256):  # a server opens its listeners before it loads the lab
        with contextlib.suppress(OSError):
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue  # a socket object of it would fail, and keep the duplicate open
            with socket.socket(fileno=os.dup(descriptor)) as listener:
                if listener.family in (socket.AF_INET, socket.AF_INET6) and listener.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN
                ):
                    host, port = listener.getsockname()[:2]
                    found.append((host, port))
    return found
