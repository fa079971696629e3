"""`python3 -m perflab`: make the environment and start the lab.

This file keeps to what every Python can read: an old one has to reach the message below.
"""

import os
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "perflab: needs Python 3.11 or newer; this is %d.%d (%s)."
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
if os.name != "posix":
    sys.exit("perflab: on Windows, use WSL 2 (Gunicorn needs a Unix): wsl --install")

from perflab.launcher.command import main  # only here: old Pythons cannot read it

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
