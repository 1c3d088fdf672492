"""Prints what every number of the pages is: `latent-drag statistics`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from explorer.latent.statistics.registry import STATISTICS, as_markdown

__all__ = ["main"]


def main(arguments: list[str] | None = None, prog: str = "python -m explorer.latent.statistics") -> int:
    """Prints the registry as Markdown or JSON; returns the exit status."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.json:
        print(json.dumps([asdict(each) for each in STATISTICS.values()], indent=1, ensure_ascii=False))
        return 0
    print("# Statistics\n")
    print(
        "Written by `latent-drag statistics > docs/statistics.md`. `python -m benchmarks.calibration` measures whether"
    )
    print("the intervals cover as often as they say.\n")
    print(as_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
