"""Start HAProxy or nginx, in this process's place, in front of the lab's instances.

`python deploy/balancer.py` is what the Procfile runs. It listens on 127.0.0.1:$PORT; $INSTANCES (3)
of the lab are expected from $WEB_PORT on, which is $PORT + 100, where honcho puts them. $BALANCER
chooses between haproxy, which is taken if it is there, and nginx. Only the ports differ from the
files beside this one. A problem is one line, with exit status 2 for a bad value, else 1.
"""

import os
import re
import shutil
import socket
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}
MAX_INSTANCES = 50
DOOR = "127.0.0.1:5000"
FIRST = "127.0.0.1:5100"


def refuse(line, status=1):
    print(f"balancer: {line}", file=sys.stderr)
    sys.exit(status)


def number(name, default, low, high):
    """An environment variable that is a whole number."""
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 6 and low <= int(text) <= high):
        refuse(f"{name} must be a whole number from {low} to {high}, not {text[:60]!r}.", 2)
    return int(text)


def program():
    """The name of the balancer to run, and its path."""
    wanted = os.environ.get("BALANCER", "").strip()
    if wanted and wanted not in FILES:
        refuse(f"BALANCER must be haproxy or nginx, not {wanted[:60]!r}.", 2)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    for name in [wanted] if wanted else FILES:
        if found := shutil.which(name, path=path):
            return name, found
    refuse(f"{wanted or 'neither haproxy nor nginx'} is {'not ' if wanted else ''}installed.")


def refuse_taken(port):
    """End with one line where somebody else listens on the port; the balancers say it in ten."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            refuse(f"cannot listen on 127.0.0.1:{port}: {error.strerror}.")


def with_ports(text, door, instances):
    """The configuration, listening on the port `door`, with a server on each of these ports."""

    def servers(match):
        line = match[0]
        return "".join(
            line.replace(FIRST, f"127.0.0.1:{port}").replace("web1", f"web{n}")
            for n, port in enumerate(instances, 1)
        )

    first = rf"^ *server .*{re.escape(FIRST)}\b.*\n"
    others = r"^ *server .*127\.0\.0\.1:510[12]\b.*\n"
    text = re.sub(others, "", text, flags=re.MULTILINE)
    text = text.replace(DOOR, f"127.0.0.1:{door}")
    return re.sub(first, servers, text, flags=re.MULTILINE)


def main():
    door = number("PORT", 5000, 1, 65535)
    count = number("INSTANCES", 3, 1, MAX_INSTANCES)
    first = number("WEB_PORT", door + 100, 1, 65536 - count)
    if first <= door < first + count:
        refuse(f"WEB_PORT: the instances are not to be where the balancer is, on {door}.", 2)
    name, path = program()
    refuse_taken(door)
    folder = Path(os.environ.get("PERFLAB_VAR", "").strip() or HERE.parent / "var").resolve()
    folder = folder / "run" / f"{name}-{door}"
    file = folder / FILES[name]
    instances = range(first, first + count)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        file.write_text(with_ports((HERE / FILES[name]).read_text(), door, instances))
    except OSError as error:
        refuse(f"cannot write {file}: {error.strerror}.")
    options = {
        "haproxy": ["-db", "-f", str(file)],
        "nginx": ["-p", str(folder), "-c", str(file), "-e", "stderr"],
    }
    print(f"{name} listens on http://127.0.0.1:{door}", flush=True)
    os.execv(path, [name, *options[name]])


if __name__ == "__main__":
    main()
