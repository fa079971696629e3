"""Where things are: the checkout, its `.venv`, the folder `var/`, sockets of at most 100 bytes."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from perflab.base.config import Problem, read_variable
from perflab.base.files import write_text_once

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SOCKET_BYTES = 100  # the kernel takes 107 (macOS: 103)
SQLITE_BYTES = 500  # SQLite takes 512 for a database, of which its journal's ending needs some


def var_folder() -> Path:
    """Return the folder for everything that a run leaves, and make it. Raises Problem."""
    folder = Path(read_variable("PERFLAB_VAR") or ROOT / "var").resolve()
    length = len(os.fsencode(folder / "perflab.sqlite3"))
    if length > SQLITE_BYTES and not read_variable("DATABASE_URL"):
        raise Problem(
            f"the path of the folder for SQLite's database is too long: {length} bytes, "
            f"of at most {SQLITE_BYTES}. Set PERFLAB_VAR to another folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log").mkdir(exist_ok=True)
    except OSError as error:
        raise Problem(f"cannot make the folder {folder}: {error.strerror}.") from error
    return folder


def socket_path(var: Path, name: str) -> Path:
    """Return the path of the socket of this name, and make its folder. Raises Problem, OSError.

    It lies in `var/run/`, or in a temporary folder where that path would be too long.
    """
    folder = var / "run"
    if len(os.fsencode(folder / name)) > SOCKET_BYTES:
        folder = temporary_socket_folder(var)
    else:
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder / name


def temporary_socket_folder(var: Path) -> Path:
    """Return the private temporary folder of a `var/` whose path is long, and make it.

    The file `var/sockets` holds its path. Raises Problem and OSError.
    """
    record = var / "sockets"
    for _ in range(3):
        with contextlib.suppress(OSError):
            folder = Path(record.read_text())
            if is_private(folder):
                return folder
            record.unlink(missing_ok=True)  # a reboot deleted the folder, or it is not ours
        base = tempfile.gettempdir()
        new = tempfile.mkdtemp(prefix="perflab-", dir=base if len(base) < 50 else "/tmp")
        if not write_text_once(record, new):  # another process was first: its folder stays
            os.rmdir(new)
    raise Problem(f"cannot agree on a folder for sockets; delete {record} and try again.")


def is_private(folder: Path) -> bool:
    """Return whether this is a real folder of ours that nobody else can enter."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    mine = found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and mine and stat.S_IMODE(found.st_mode) == 0o700


def delete_valkey_sockets(var: Path) -> None:
    """Delete the sockets of ended Valkeys, and the temporary folder if it is then empty.

    Only the launcher that holds the lock of `var` may call this.
    """
    for path in (var / "run").glob("valkey-*.sock"):
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder = Path((var / "sockets").read_text())
        if is_private(folder):
            for path in folder.glob("valkey-*.sock"):
                path.unlink(missing_ok=True)
            folder.rmdir()
            (var / "sockets").unlink()
