"""Opens the explorer; with a command, trains, measures and encodes, or renders what the page shows.

`latent-drag` and `python -m explorer` are the same.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import cast

from explorer.installation import APP

__all__ = ["COMMAND", "main"]

COMMAND = "latent-drag"
MODULES = {
    "atlas": ("explorer.atlas.build", "encode a collection and fit its map"),
    "scores": ("explorer.jobs.outlier_scores", "compute outlier scores of a collection"),
    "statistics": ("explorer.latent.statistics.__main__", "print the definition of each number on the pages"),
}  # command -> module with its own parser, and its help


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns its exit status. Errors go to standard error, in one line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    prog = COMMAND if Path(sys.argv[0]).stem == COMMAND else "python -m explorer"
    first = arguments[0] if arguments else ""
    if first == "run" or (first[:1] in ("", "-") and first not in ("-h", "--help")):
        return run_page(prog, arguments[first == "run" :])
    if first == "open":
        return run_open(prog, arguments[1:])
    if first in MODULES:
        return cast("int", importlib.import_module(MODULES[first][0]).main(arguments[1:], f"{prog} {first}"))
    from models.__main__ import add_commands, run  # imports torch

    root = argparse.ArgumentParser(prog=prog, description=__doc__)
    commands = root.add_subparsers(required=True, metavar="command")
    add_own_commands(commands)
    add_commands(commands)
    add_opening(commands.choices["encode"])
    return run(root, arguments)


def add_own_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the explorer's commands to a parser; those that `main` dispatches itself only for the help."""
    commands.add_parser("run", help="open the explorer (the default)", add_help=False)
    commands.add_parser("open", help="open the explorer on your own images", add_help=False)
    for name, (_, about) in MODULES.items():
        commands.add_parser(name, help=about, add_help=False)

    rendering = commands.add_parser("render", help="reproduce the pictures of a recipe or a link")
    rendering.add_argument(
        "recipe", metavar="RECIPE", help="a recipe's JSON file, or a link of the page, in quotes"
    )
    rendering.add_argument("--out", type=Path, required=True, metavar="FILE", help="e.g. picture.png")
    rendering.add_argument(
        "--what",
        help="a (default for .png), b, strip, walk.webp, walk.gif, report, … (an unknown name lists all)",
    )
    rendering.add_argument("--scale", type=int, default=1, help="pixels a side for each pixel (1)")
    rendering.set_defaults(run=run_render)


def add_opening(encoding: argparse.ArgumentParser) -> None:
    """Adds the option `--open` to the command `encode`, to show the result in the explorer."""
    encoding.add_argument(
        "--open",
        action="store_true",
        dest="opens",
        help="encode a collection, build its atlas, and open the explorer on it",
    )
    encoding.add_argument("--port", type=port, help="with --open: port on localhost")
    encoding.add_argument("--headless", action="store_true", help="with --open: do not open a browser")
    encoding.set_defaults(run=run_encode)


def run_encode(options: argparse.Namespace) -> int:
    """Encodes images; with `--open`, shows them beside the checkpoint's own until the explorer is stopped."""
    from models.commands import encode

    if not options.opens:
        return encode.run(options)
    from explorer.atlas.build import build  # imports torch
    from explorer.jobs.collections import lacks_map, start_map
    from models.card import roots
    from models.collection import collection_folder
    from models.system.settings import use_checkpoint_folders, use_first_checkpoint

    if options.out and options.out.suffix.lower() in encode.TABLES:
        raise ValueError(
            f"`--open` shows a collection: name a folder by `--out`, or leave it out. Got {options.out}."
        )
    out = options.out or collection_folder(options.name, options.images)
    folder = encode.encode_as_collection(options, out).resolve()
    print("Building the atlas …", flush=True)
    build(folder, umap=False)
    if folder.parent not in [root.resolve() for root in roots()]:
        use_checkpoint_folders([folder.parent, *roots()])
    use_first_checkpoint(folder.name)
    if lacks_map(folder):
        start_map(folder)
    line = ["--port", str(options.port)] if options.port else []
    return run_page("explorer", [*line, *(["--headless"] if options.headless else [])])


def run_page(prog: str, arguments: list[str]) -> int:
    """Serves the page until it is stopped.

    Arguments:
        prog: The command as typed.
        arguments: Its options.
    """
    parser = argparse.ArgumentParser(
        prog=f"{prog} run", description="Opens the explorer.", epilog=f"All commands: {prog} --help"
    )
    add_page_options(parser)
    return serve(parser.parse_args(arguments))


def run_open(prog: str, arguments: list[str]) -> int:
    """Serves the page, opened on the user's own images, until it is stopped.

    Arguments:
        prog: The command as typed.
        arguments: Its path and options.
    """
    parser = argparse.ArgumentParser(
        prog=f"{prog} open",
        description="Opens the explorer on your own images: a folder, a zip, a Parquet file, a WebDataset "
        "tar or an npy or npz file.",
        epilog=f"All commands: {prog} --help",
    )
    parser.add_argument("path", metavar="PATH", type=existing, help="folder or file with the images")
    parser.add_argument(
        "--labels",
        metavar="CSV",
        type=existing,
        help="table with a row for each image: .csv, .parquet or .jsonl",
    )
    add_page_options(parser)
    options = parser.parse_args(arguments)
    from explorer.jobs.image_sources import open_at_start

    open_at_start(str(options.path), str(options.labels or ""))
    return serve(options)


def add_page_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of a command that serves the page."""
    parser.add_argument("--port", type=port, help="port on localhost (8501, or the next free one)")
    parser.add_argument("--headless", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--checkpoints",
        type=folder,
        action="append",
        default=[],
        metavar="FOLDER",
        help="search this folder of checkpoints first; may be repeated",
    )


def serve(options: argparse.Namespace) -> int:
    """Serves the page until it is stopped; `options` are those of `add_page_options`."""
    if options.checkpoints:
        from models.card import roots  # imports torch
        from models.system.settings import use_checkpoint_folders

        use_checkpoint_folders([*options.checkpoints, *roots()])
    from streamlit.web.cli import main as streamlit

    line = ["run", str(APP)]
    line += ["--server.port", str(options.port)] if options.port else []
    line += ["--server.headless", "true"] if options.headless else []
    streamlit(line, prog_name="streamlit")
    return 0


def port(text: str) -> int:
    """A TCP port; an argparse type."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"must be a port from 1 to 65535. Got {text[:40]!r}.")
    return int(text)


def folder(text: str) -> Path:
    """A folder that exists; an argparse type."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(
            f"must be a folder of checkpoints. Got {text[:200]!r}, which is none."
        )
    return path.resolve()


def existing(text: str) -> Path:
    """A file or folder that exists; an argparse type."""
    path = Path(text).expanduser()
    if not path.exists():
        raise argparse.ArgumentTypeError(
            f"must be a file or folder that exists. Got {text[:200]!r}, which is none."
        )
    return path.resolve()


def run_render(options: argparse.Namespace) -> int:
    """Renders a recipe to a file."""
    from explorer.sharing import render  # imports torch
    from models.data.locations import check_output
    from models.system.files import replace_file

    what = render.choose_what(options.what, options.out)
    check_output(options.out, "--out")
    if not options.out.resolve().parent.is_dir():
        raise ValueError(f"`--out` must be in an existing folder. {options.out.parent} does not exist.")
    shown = render.open_recipe(options.recipe)
    for note in shown.notes:
        print(note, file=sys.stderr)
    made = render.make(shown, what, shown.loaded.decoder, options.scale)
    replace_file(options.out, lambda path: path.write_bytes(made))
    print(f"Wrote {what} of {shown.loaded.name} to {options.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
