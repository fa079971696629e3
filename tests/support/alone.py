"""Hold a test to this process: it starts no other one, and speaks to none.

It may use the caches that the run has started already: the quick run starts none, and there the
same test must do without.
"""

import os
import socket
import stat
import subprocess
from contextlib import contextmanager, suppress

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
    return peer[:2] in own_addresses()


def own_addresses():
    """Return the addresses of all sockets that this process holds."""
    addresses = set()
    for number in os.listdir("/dev/fd"):
        with suppress(OSError):  # the folder itself was one of its own entries
            if stat.S_ISSOCK(os.fstat(int(number)).st_mode):
                with socket.socket(fileno=os.dup(int(number))) as own:
                    addresses.add(own.getsockname()[:2])
    return addresses
