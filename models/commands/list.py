"""`python -m models list`: lists the checkpoints."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.card import Entry

__all__ = ["add", "run"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser's subparsers."""
    parser = commands.add_parser("list", help="list the checkpoints")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints name, model, data and title of each checkpoint, or why it cannot be used."""
    from models.checkpoint import scan

    entries = scan()
    if options.json:
        print(json.dumps([as_json(entry) for entry in entries], indent=1, ensure_ascii=False))
        return 0
    name_width = max([len(entry.name) for entry in entries], default=4)
    model_width = max([len(entry.card.model) for entry in entries if entry.card], default=4)
    for entry in entries:
        summary = f"broken: {entry.error}"
        if card := entry.card:
            summary = f"{card.model:{model_width}}  {card.data['name']:14} {card.title}"
        print(f"{entry.name:{name_width}}  {summary}")
    if not entries:
        print("No checkpoint yet. Create one with `python -m models train vae --data digits`.")
    return 0


def as_json(entry: Entry) -> dict[str, Any]:
    """Returns a checkpoint as JSON: name, path, version and error, and what its card says."""
    values: dict[str, Any] = {
        "name": entry.name,
        "path": str(entry.path),
        "version": entry.version,
        "error": entry.error,
    }
    if card := entry.card:
        values |= {"title": card.title, "model": card.model, "data": card.data}
        values |= {"config": card.config, "metrics": card.metrics}
    return values
