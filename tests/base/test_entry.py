"""Test what a server's worker looks at before it serves the lab."""

import os
import socket

import pytest

from perflab.base import entry


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs Linux' /proc")
def test_listeners_are_found_and_no_descriptor_stays_open():
    read, write = os.pipe()  # a Gunicorn has some, and they are no sockets
    with socket.create_server(("127.0.0.1", 0)) as listener:
        before = len(os.listdir("/proc/self/fd"))
        found = entry.listening_addresses()
        after = len(os.listdir("/proc/self/fd"))
        assert listener.getsockname() in found
    os.close(read)
    os.close(write)

    assert after == before
