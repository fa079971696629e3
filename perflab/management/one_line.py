"""What the commands share: whatever goes wrong is told in one line."""

from django.core.management.base import BaseCommand, CommandError


def one_line(text):
    """The text of an error or an argument, without its line breaks."""
    return " ".join(str(text).split())


class OneLineCommand(BaseCommand):
    """A command that answers bad arguments with one line, where argparse would add its usage."""

    def create_parser(self, prog_name, subcommand, **kwargs):
        parser = super().create_parser(prog_name, subcommand, **kwargs)

        def error(message):
            line = one_line(message)
            if parser.called_from_command_line:
                parser.exit(2, f"{subcommand}: {line}\n")
            raise CommandError(line, returncode=2)

        parser.error = error
        return parser
