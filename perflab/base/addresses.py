"""What the environment names, looked at before it is used: caches, host names, origins.

Each function returns half a sentence that says what is wrong, or "" where nothing is. A password is
never part of it.
"""

import re
from urllib.parse import urlsplit

from perflab.base.numbers import quote

HOST = r"([\w-]+(\.[\w-]+)*|\[[\da-fA-F:.]+\])"
PORT = r"(:\d{1,5})?"


def find_fault_in_redis_url(url: str) -> str:
    """Return what is wrong with REDIS_URL."""
    like = "must be like redis://host:6379/0, rediss://host:6379/0 or unix:///path?db=0"
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "unix"):
            return like
        if parts.scheme == "unix" and not parts.path.strip("/"):
            return f"{like}: it has no path"
        if parts.scheme != "unix" and not re.fullmatch(r"/?|/\d+", parts.path):
            return f"{like}: its path is the number of a database; in a password, / is %2F"
        return f"{like}: its port is 0" if parts.port == 0 else ""
    except ValueError:  # its text may hold a part of the password
        return f"{like}; in a password, / is %2F and @ is %40"


def find_fault_in_memcached_url(url: str) -> str:
    """Return what is wrong with MEMCACHED_URL, which may name several servers."""
    for address in re.split("[;,]", url):
        if "@" in address:
            return "names a user or a password, and the lab's client cannot log in"
        if not re.fullmatch(rf"{HOST}{PORT}|(unix:)?/.+", address):
            return f"must be like 127.0.0.1:11211 or unix:/path, not {quote(address)}"
    return ""


def find_fault_in_hosts(hosts: list[str]) -> str:
    """Return what is wrong with the ALLOWED_HOSTS of a public lab."""
    for host in hosts:
        # A dot in front allows all names below one, and that must not be all of .com.
        if not re.fullmatch(rf"{HOST}|\.[\w-]+(\.[\w-]+)+", host):
            return (
                "must list host names (lab.example.org, or .example.org for all below it) without "
                f"scheme and port, not {quote(host)}"
            )
    return "" if hosts else "must list the host names of a public lab"


def find_fault_in_origins(origins: list[str]) -> str:
    """Return what is wrong with CSRF_TRUSTED_ORIGINS."""
    for origin in origins:
        if not re.fullmatch(rf"https?://(\*\.)?{HOST}{PORT}", origin):
            return (
                "must list addresses such as https://lab-8000.example.dev or "
                f"https://*.example.dev, without a path, not {quote(origin)}"
            )
    return ""
