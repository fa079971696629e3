"""Command-line arguments: their types, and what is said of a wrong one."""

import argparse

from django.core.management.base import CommandError


def no_such_experiment(slug, known):
    """Return the CommandError for an experiment that is none of those known."""
    return CommandError(
        f"there is no experiment {slug!r}; there are {', '.join(known)}", returncode=2
    )


def argument_type(check, *limits):
    """Return an argparse type that calls `check` with the text and the limits.

    `check` raises ValueError with half a sentence, as the functions of perflab.base.numbers do;
    argparse puts the argument's name in front of it.
    """

    def read(text):
        try:
            return check(text, *limits)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
