"""The command line: `python3 -m perflab`, `… test`, `… bundle DIR`."""

import argparse
import errno
import os
import sys
from pathlib import Path

from perflab.base import config, network, paths
from perflab.base.config import Problem
from perflab.base.processes import Stopped, dismiss_watcher, stop_on_signals
from perflab.launcher import environment, lab

HELP = """\
Start the lab: make its environment in .venv, prepare its database, start a private Valkey (unless
REDIS_URL is set) and Gunicorn, and print the address. Ctrl-C ends all of it.

  python3 -m perflab [options]             start the lab
  python3 -m perflab test [pytest ...]     run its tests; what follows goes to pytest
  python3 -m perflab test --quick          run those that need no server and no browser
  python3 -m perflab test --all            run the exhaustive ones too
  python3 -m perflab bundle DIR            collect all it needs in DIR, for a room without internet
"""
ENVIRONMENT = """\
The environment counts where no option is given: PORT, WEB_CONCURRENCY (workers), WEB_THREADS.
It also names databases and caches of your own: DATABASE_URL, REDIS_URL, MEMCACHED_URL.
All variables: .env.example. More: docs/running.md.
"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Problem(f"{message} (see python3 -m perflab --help)", 2)


def main(arguments):
    """Do what the arguments say; return the exit status. An error is printed as one line."""
    stop_on_signals()
    try:
        run_command(arguments)
    except Problem as problem:
        if str(problem):  # without a text, a child process has printed the problem
            print_problem(problem)
        return problem.status
    except Stopped:
        say("perflab: stopped.")
        return 0
    except OSError as error:
        if error.errno == errno.ENOSPC:
            print_problem("the disk is full.")
        else:
            print_problem(f"{error.strerror or error}: {error.filename or ''}".rstrip(": "))
        return 1


def print_problem(what):
    """Print a problem on standard error."""
    say(f"perflab: {what}", sys.stderr)


def run_command(arguments):
    """Run the command that the arguments name, in the environment's own Python."""
    options, command, rest = parse(arguments)
    if command == "bundle":
        environment.bundle(*rest, say=say)
        return
    requirements = environment.TESTS if command == "test" else environment.LAB
    lab_options = None
    if command == "run":
        lab_options = read_options(options)
        lab.check(lab_options, say)
    environment.ensure(requirements, options.find_links, say)
    if command == "test":
        os.chdir(paths.ROOT)
        replace_with([paths.PYTHON, "-m", "pytest", *rest])
    if not environment.is_inside():
        replace_with([paths.PYTHON, "-m", "perflab", *arguments])
    lab.run(lab_options, say)


def say(line, stream=None):
    """Print a line. It is no error that the terminal has been closed."""
    stream = stream or sys.stdout
    try:
        print(line, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def replace_with(command):
    """Run another program in this process, so that whoever started us controls it."""
    os.environ.pop("__PYVENV_LAUNCHER__", None)  # macOS would start the old Python again
    sys.stdout.flush()
    dismiss_watcher()
    os.execv(command[0], [str(word) for word in command])


def parse(arguments):
    """Return the options, the command ("run", "test" or "bundle") and what follows it."""
    own, command, rest = split(arguments)
    parser = Parser(
        prog="python3 -m perflab",
        description=HELP,
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        help=f"Gunicorn's worker processes, 1 to {config.MAX_WORKERS} (default: one per core)",
    )
    parser.add_argument(
        "--threads",
        metavar="N",
        help=f"threads of each worker, 1 to {config.MAX_THREADS} (default: 1)",
    )
    parser.add_argument(
        "--bind", metavar="HOST:PORT", help="where to listen (default: 127.0.0.1:8000)"
    )
    parser.add_argument(
        "--movies",
        metavar="N",
        help="films in the database (default: what is there; at first the 1851 real ones)",
    )
    parser.add_argument(
        "--find-links", metavar="DIR", help="install from this folder, made by bundle, alone"
    )
    options = parser.parse_args(own)
    if command == "bundle" and {"-h", "--help"} & set(rest):
        parser.print_help()
        parser.exit()
    if command == "bundle" and (len(rest) != 1 or rest[0].startswith("-")):
        parser.error("bundle takes one folder")
    if command != "run" and (options.workers or options.threads or options.bind or options.movies):
        parser.error(f"{command} takes no option but --find-links before it")
    if options.find_links:
        options.find_links = Path(options.find_links).absolute()
        if not any(options.find_links.glob("*.whl")):
            parser.error(f"--find-links {options.find_links}: there are no wheels")
    return options, command, rest


def split(arguments):
    """Return our own arguments, the command, and the arguments behind the command."""
    expects_value = False
    for index, word in enumerate(arguments):
        if expects_value or word.startswith("-"):
            expects_value = not expects_value and "=" not in word and word not in ("-h", "--help")
        elif word in ("test", "bundle"):
            return arguments[:index], word, arguments[index + 1 :]
        else:
            break
    return arguments, "run", []


def read_options(options):
    """Return the lab's options, from the command line or the environment. Raises Problem."""
    address = network.Address.default()
    if options.bind is not None:
        address = network.Address.parse("--bind", options.bind)

    def number(name, low, high, default):
        text = getattr(options, name)
        return default() if text is None else config.read_whole_number(f"--{name}", text, low, high)

    return lab.Options(
        address=address,
        workers=number("workers", 1, config.MAX_WORKERS, config.read_workers),
        threads=number("threads", 1, config.MAX_THREADS, config.read_threads),
        movies=number("movies", 1, config.MAX_MOVIES, lambda: None),
    )
