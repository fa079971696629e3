"""A disk of one process alone: a folder that is full or read-only, a file that is read-only.

It is mounted in a mount namespace of the process's own (Linux, as root). The kernel removes it when
the process ends, however it ends. Permissions would not do: they do not stop root.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from tests.support.services import Missing

FOLDERS = ("traces", "results", "flush", "toolbar", "runs", "bursts", "stories", "log")  # of var/

# Copies a folder to a small disk, puts the disk in the folder's place, and runs a command.
SCRIPT = """
set -e
folder=$1 size=$2; shift 2
mkdir "$folder.disk"
mount -t tmpfs -o "size=$size" none "$folder.disk"
cp -a "$folder/." "$folder.disk"
mount --bind "$folder.disk" "$folder"
exec "$@"
"""

# Lets nobody write into a file, and runs a command.
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


def on_small_disk(folder, size):
    """Return what to write before a command, so that a folder lies on a disk of that size."""
    check_rights()
    return ("unshare", "--mount", "sh", "-c", SCRIPT, "sh", str(folder), size)


def with_read_only(file):
    """Return what to write before a command, so that it can only read this file."""
    check_rights()
    return ("unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(file))


def check_rights():
    """Raise Missing where no disk can be mounted."""
    may = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    if sys.platform != "linux" or subprocess.run(may, capture_output=True).returncode:
        raise Missing("the right to mount a disk of one's own")


class SmallDisk:
    """The disk of a process that `on_small_disk` has started."""

    def __init__(self, pid, folder):
        self.pid, self.folder = pid, Path(folder)
        self.seen = Path(f"/proc/{pid}/root{self.folder}")  # the folder as that process sees it

    def fill(self, leave=0):
        """Write until the disk is full, but for so many bytes."""
        with (self.seen / "filling").open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        if leave:
            os.truncate(self.seen / "filling", max(0, self.size_of_filling() - leave))

    def size_of_filling(self):
        return (self.seen / "filling").stat().st_size

    def empty(self):
        """Remove what `fill` has written."""
        (self.seen / "filling").unlink()

    def make_read_only(self, name):
        """Let nobody write into a folder of the disk; it is empty from now on."""
        (self.seen / name).mkdir(exist_ok=True)
        self.run("mount", "-t", "tmpfs", "-o", "ro", "none", str(self.folder / name))

    def make_writable(self, name):
        """Take back what `make_read_only` has done."""
        self.run("umount", "--lazy", str(self.folder / name))

    def run(self, *command):
        """Run a command that sees the disks as the process does."""
        subprocess.run(["nsenter", "-t", str(self.pid), "-m", *command], check=True)
