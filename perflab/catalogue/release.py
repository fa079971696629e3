"""Which release of the lab this is: a digest of its code, its templates and its static files."""

import hashlib
from functools import cache

from perflab.base.paths import ROOT

FOLDERS = ("perflab", "movies", "templates")
SUFFIXES = (".py", ".html", ".css", ".js", ".svg")


@cache
def release() -> str:
    """Return twelve characters that change with the lab's files: the same on every machine.

    The first call reads all of them, some milliseconds; a worker's warm-up makes it.
    """
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
