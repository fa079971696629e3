"""The base of the lab's commands: they report whatever goes wrong in one line."""

from django.core.management.base import BaseCommand, CommandError

from perflab.base.messages import one_line


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
