"""`python -m models pack`: makes checkpoints small, as the bundled ones are."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add", "run"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser's subparsers."""
    parser = commands.add_parser("pack", help="make a checkpoint small: 16-bit weights, fewer points a curve")
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="folder of a checkpoint")
    parser.add_argument("--most", type=int, default=300, help="lines of the curves to keep at most (300)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Stores the weights of checkpoints in 16 bits and thins their curves."""
    from models import checkpoint
    from models.card import WEIGHTS
    from models.training.log import thin_curves

    for folder in options.folders:
        lines = thin_curves(folder, options.most)
        checkpoint.pack(folder)
        size = (folder / WEIGHTS).stat().st_size / 1e6
        print(
            f"{folder} has {size:.1f} MB of weights and keeps {lines} lines of its curves. Now measure and encode "
            f"it: python -m models evaluate {folder} --write && python -m explorer.atlas {folder}"
        )
    return 0
