"""Types of command-line arguments."""

import argparse


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
