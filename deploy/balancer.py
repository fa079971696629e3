"""Start HAProxy or nginx in front of the lab's instances, in place of this process.

The Procfile runs `python deploy/balancer.py`. The balancer listens on 127.0.0.1:$PORT. It expects
$INSTANCES instances of the lab (3) on the ports from $WEB_PORT on ($PORT + 100, where honcho puts
them). $BALANCER names haproxy or nginx; without it haproxy is taken if it is installed, else nginx.
The configuration is that of the files beside this one with other ports. A problem is shown in one
line; the exit status is 2 for a bad value, and 1 for anything else.
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
# The addresses in these files of the balancer itself and of the first instance.
FRONT_ADDRESS = "127.0.0.1:5000"
FIRST_INSTANCE = "127.0.0.1:5100"


def refuse(line, status=1):
    """End with one line and this exit status."""
    print(f"balancer: {line}", file=sys.stderr)
    sys.exit(status)


def number(name, default, low, high):
    """Return an environment variable that must be a whole number."""
    text = os.environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 6 and low <= int(text) <= high):
        refuse(f"{name} must be a whole number from {low} to {high}, not {text[:60]!r}.", 2)
    return int(text)


def program():
    """Return the name of the balancer to run, and its path."""
    chosen = os.environ.get("BALANCER", "").strip()
    if chosen and chosen not in FILES:
        refuse(f"BALANCER must be haproxy or nginx, not {chosen[:60]!r}.", 2)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    for name in [chosen] if chosen else FILES:
        if found := shutil.which(name, path=path):
            return name, found
    refuse(f"{chosen or 'neither haproxy nor nginx'} is {'not ' if chosen else ''}installed.")


def refuse_port_in_use(port):
    """End with one line if another program listens on the port; a balancer would say it in ten."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            refuse(f"cannot listen on 127.0.0.1:{port}: {error.strerror}.")


def with_ports(text, front_port, instance_ports):
    """Return a configuration with other ports: the balancer's, and one for each instance."""

    def servers(match):
        line = match[0]
        return "".join(
            line.replace(FIRST_INSTANCE, f"127.0.0.1:{port}").replace("web1", f"web{n}")
            for n, port in enumerate(instance_ports, 1)
        )

    first = rf"^ *server .*{re.escape(FIRST_INSTANCE)}\b.*\n"
    others = r"^ *server .*127\.0\.0\.1:510[12]\b.*\n"
    text = re.sub(others, "", text, flags=re.MULTILINE)
    text = text.replace(FRONT_ADDRESS, f"127.0.0.1:{front_port}")
    return re.sub(first, servers, text, flags=re.MULTILINE)


def main():
    front_port = number("PORT", 5000, 1, 65535)
    count = number("INSTANCES", 3, 1, MAX_INSTANCES)
    first = number("WEB_PORT", front_port + 100, 1, 65536 - count)
    if first <= front_port < first + count:
        refuse(f"WEB_PORT: no instance may have the balancer's own port, {front_port}.", 2)
    name, path = program()
    refuse_port_in_use(front_port)
    folder = Path(os.environ.get("PERFLAB_VAR", "").strip() or HERE.parent / "var").resolve()
    folder = folder / "run" / f"{name}-{front_port}"
    file = folder / FILES[name]
    instances = range(first, first + count)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        file.write_text(with_ports((HERE / FILES[name]).read_text(), front_port, instances))
    except OSError as error:
        refuse(f"cannot write {file}: {error.strerror}.")
    options = {
        "haproxy": ["-db", "-f", str(file)],
        "nginx": ["-p", str(folder), "-c", str(file), "-e", "stderr"],
    }
    print(f"{name} listens on http://127.0.0.1:{front_port}", flush=True)
    os.execv(path, [name, *options[name]])


if __name__ == "__main__":
    main()
