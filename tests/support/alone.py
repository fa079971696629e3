"""Hold a test to this process: it starts no other one, and speaks to none.

It may use the caches that the run has started already: the quick run starts none, and there the
same test must do without.
"""

import os
import socket
import subprocess
from contextlib import contextmanager

import psutil
import pytest


@contextmanager
def alone(caches):
    """While the block runs, fail what starts a process or speaks to one but these caches."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((subprocess.Popen, "__init__"), (os, "fork"), (os, "posix_spawn")):
            patch.setattr(owner, name, refuse_process)
        for name in ("connect", "connect_ex", "send", "sendall"):
            patch.setattr(socket.socket, name, within_reach(getattr(socket.socket, name), caches))
        yield


def refuse_process(*arguments, **options):
    pytest.fail("a test without the fixture may_start_servers starts a process")


def within_reach(call, caches):
    """Return a socket's method that fails after all if it reached another process."""
    reachable = {str(cache.socket) for cache in caches}  # and what turns out to be ours

    def checked(client, *arguments):
        try:
            return call(client, *arguments)
        finally:
            peer = peer_of(client)
            if peer and peer not in reachable:
                if not is_ours(client, peer):
                    pytest.fail(f"a test without the fixture may_start_servers speaks to {peer}")
                reachable.add(peer)

    return checked


def peer_of(client):
    """Return the address that a socket is connected to, if any: one of a pair has no name."""
    try:
        return client.getpeername()
    except OSError:
        return None


def is_ours(client, peer):
    """Say whether a socket of this process has this address."""
    if client.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    own = psutil.Process().net_connections("inet")
    return tuple(peer[:2]) in {tuple(connection.laddr) for connection in own}
