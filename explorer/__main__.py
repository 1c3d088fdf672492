"""The explorer's command line: `python -m explorer render RECIPE --out picture.png`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

__all__ = ["main"]

MESSAGE = 1000  # characters of an error


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns its exit status. Errors go to the standard error, in one line."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"python -m explorer: {' '.join(str(error).split())[:MESSAGE]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return status


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(prog="python -m explorer", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="command")

    rendering = commands.add_parser("render", help="make the pictures of a recipe or a link again")
    rendering.add_argument(
        "recipe", metavar="RECIPE", help="a recipe's JSON file, or a link of the page, in quotes"
    )
    rendering.add_argument("--out", type=Path, required=True, metavar="FILE", help="e.g. picture.png")
    rendering.add_argument("--what", help="a (the usual one for .png), b, strip, walk.webp, walk.gif, report, … "
                           "(an unknown one lists them all)")  # fmt: skip
    rendering.add_argument("--scale", type=int, default=1, help="pixels a side for each pixel (1)")
    rendering.set_defaults(run=run_render)

    running = commands.add_parser("run", help="open the explorer")
    running.set_defaults(run=run_page)
    return root


def run_render(options: argparse.Namespace) -> int:
    """Writes what a recipe shows."""
    from explorer import render  # torch comes with it

    what = render.choose_what(options.what, options.out)
    if not options.out.resolve().parent.is_dir():
        raise ValueError(f"`--out` must lie in a folder that is there. {options.out.parent} is not.")
    shown = render.open_recipe(options.recipe)
    for note in shown.notes:
        print(note, file=sys.stderr)
    options.out.write_bytes(render.make(shown, what, shown.loaded.decoder, options.scale))
    print(f"{options.out} holds {what} of {shown.loaded.name}.")
    return 0


def run_page(options: argparse.Namespace) -> int:
    """Says how the page is opened; it is a server with settings of its own."""
    print("Open the explorer with `make run` (PORT=8600 make run for another port).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
