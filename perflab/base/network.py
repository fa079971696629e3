"""Addresses: where the lab listens, and who can reach it there."""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any

from perflab.base.config import Problem, is_public, read_port, read_whole_number
from perflab.base.numbers import quote


@dataclass(frozen=True)
class Address:
    """Where the lab listens."""

    host: str
    port: int

    @classmethod
    def default(cls) -> "Address":
        """Return the address that the environment asks for. Raises Problem."""
        return cls("0.0.0.0" if is_public() else "127.0.0.1", read_port())

    @classmethod
    def parse(cls, name: str, text: str) -> "Address":
        """Return the address that HOST:PORT or [IPV6]:PORT writes. Raises Problem."""
        host, colon, digits = text.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            host = ""
        if not (host and colon and host.isascii() and host.isprintable() and " " not in host):
            raise Problem(f"{name} must be HOST:PORT, not {quote(text)}.", 2)
        return cls(host, read_whole_number(f"the port in {name}", digits, 1, 65535))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def resolve(self) -> tuple[socket.AddressFamily, Any]:
        """Return the family and the socket address to bind. Raises Problem when there is none."""
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Problem(f"{quote(self.host)} is not an address of this machine.", 2) from error
        # Gunicorn takes a name for an IPv4 address.
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        return family, address

    def is_loopback(self) -> bool:
        """Return whether only this machine can reach it. Raises Problem."""
        return is_loopback(self.resolve()[1][0])


def is_loopback(host: str) -> bool:
    """Return whether a numeric address, or "localhost", is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


NOT_PUBLIC = (
    "{address} can be reached by others, and perflab is slow on purpose: listen on 127.0.0.1, "
    "or set PERFLAB_PUBLIC=1 with a SECRET_KEY and ALLOWED_HOSTS (docs/settings.md#public-mode)."
)


def can_listen(address: Address) -> bool:
    """Return whether the port is free. Raises Problem when we may not listen there at all."""
    family, where = address.resolve()
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(where)
            listener.listen(1)
        except PermissionError as error:
            raise Problem(f"cannot listen on {address}: {error.strerror}.") from error
        except OSError as error:
            if "in use" in (error.strerror or ""):
                return False
            raise Problem(f"cannot listen on {address}: {error.strerror}.", 2) from error
    return True
