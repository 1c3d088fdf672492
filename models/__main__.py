"""The command line of the models: `python -m models list | train | import | pack | evaluate | encode`."""

from __future__ import annotations

import argparse
import sys

from models.commands import encode, evaluate, import_model, pack, train
from models.commands import list as list_command
from models.commands.arguments import recorded_command
from models.system.progress import JsonProgress

__all__ = ["add_commands", "main", "run"]

MESSAGE = 1000  # characters of an error


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    root = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    add_commands(root.add_subparsers(required=True, metavar="command"))
    return run(root, arguments)


def run(parser: argparse.ArgumentParser, arguments: list[str]) -> int:
    """Parses a command line and runs its command; an error is written to standard error, as one line.

    Arguments:
        parser: A parser with the commands of `add_commands`; error messages start with its `prog`.
        arguments: The command line, without the program.

    Returns:
        The exit status.
    """
    options = parser.parse_args(arguments)
    options.line = recorded_command(arguments)
    try:
        status: int = options.run(options)
    except (ValueError, OSError, RuntimeError) as error:
        if getattr(options, "progress", "bar") == "json":
            JsonProgress().error(error)
        print(f"{parser.prog}: {' '.join(str(error).split())[:MESSAGE]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Resume a training with `train --resume`.", file=sys.stderr)
        return 130
    return status


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands and their options to a parser's subparsers."""
    for command in (list_command, train, import_model, pack, evaluate, encode):
        command.add(commands)


if __name__ == "__main__":
    raise SystemExit(main())
