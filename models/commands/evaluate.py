"""`python -m models evaluate`: measures checkpoints on their test images and writes RESULTS.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["add", "run"]


SEEDS = "names or folders of runs that differ only in their seed"
SAMPLES = "log p(x) by importance sampling and by naive Monte Carlo, with L draws per image"
BESIDE = "runs to compare with, each with a label; those with one label differ only in their seed"
SPLIT = "validation, for choices between trainings, or test (test)"
ONLY = "measure these alone, and keep the other metrics of the card: density, inverse, reconstruction, restoration, nearest, bound, units, codebook, likelihood, probe, disentanglement, baselines, attributes"
REPORT = "write RESULTS.md from the cards; the metrics measured on the way are stored in them"
SWITCHES = {
    "all": "every bundled checkpoint, with the metrics that its bars need (takes hours)",
    "probe": "error of a linear probe for each class",
    "disentanglement": "MIG, DCI, SAP, FactorVAE and beta-VAE scores, where factors are known",
    "attributes": "read each attribute from reconstructions too (takes minutes)",
    "write": "store the metrics in the card",
    "json": "as JSON",
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser's subparsers."""
    parser = commands.add_parser("evaluate", help="measure checkpoints on their test images")
    parser.add_argument("name", nargs="?", help="name or folder of a checkpoint")
    parser.add_argument("--limit", type=int, help="use the first images only")
    parser.add_argument("--seeds", nargs="+", default=[], metavar="RUN", help=SEEDS)
    parser.add_argument("--samples", type=int, metavar="L", help=SAMPLES)
    parser.add_argument("--beside", nargs="+", default=[], metavar="LABEL=RUN", help=BESIDE)
    parser.add_argument("--split", default="test", help=SPLIT)
    parser.add_argument("--only", nargs="+", default=[], metavar="STAGE", help=ONLY)
    parser.add_argument(
        "--report", nargs="?", type=Path, const=Path("RESULTS.md"), metavar="FILE", help=REPORT
    )
    for name, description in SWITCHES.items():
        parser.add_argument(f"--{name}", action="store_true", help=description)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measures one checkpoint, or all bundled ones; writes the report."""
    from models.data.locations import check_output
    from models.evaluation.metric import table
    from models.evaluation.report import bundled, write_report

    if bool(options.name) + options.all > 1 or not (options.name or options.all or options.report):
        raise ValueError(
            "Name a checkpoint, `python -m models evaluate NAME`, or add `--all` for the bundled ones."
        )
    if options.report:
        check_output(options.report, "--report")
    measured = measure(options)
    if options.json:
        print(json.dumps(measured[options.name] if options.name else measured, indent=1, ensure_ascii=False))
    elif options.name:
        print(table(measured[options.name]))
    if options.report:
        write_report(options.report, bundled())
        print(f"Wrote {options.report}.", file=sys.stderr)
    return 0


def measure(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measures the checkpoints that the options name.

    With `--all`, prints the metrics of each as soon as they are measured, unless the output is JSON.

    Returns:
        Name of a checkpoint -> its metrics; empty if `--report` alone was given.
    """
    from models.evaluation.evaluate import Wanted, evaluate
    from models.evaluation.metric import table
    from models.evaluation.report import evaluate_all

    wanted = Wanted(
        options.samples,
        options.probe,
        options.disentanglement,
        options.attributes,
        options.split,
        tuple(options.only),
    )
    write = options.write or options.report is not None
    if options.name:
        metrics = evaluate(
            options.name,
            wanted,
            seeds=options.seeds,
            beside=labelled(options.beside),
            limit=options.limit,
            command=options.line,
            write=write,
        )
        return {options.name: metrics}
    if not options.all:
        return {}
    if options.seeds:
        raise ValueError("`--seeds` belongs to one checkpoint. Name it, or leave out `--all`.")
    for name in ("only", "beside", "split"):
        if getattr(options, name) not in ([], "test"):
            raise ValueError(f"`--{name}` belongs to one checkpoint. Name it, or leave out `--all`.")
    measured = {}
    for name, metrics in evaluate_all(wanted, limit=options.limit, write=write):
        measured[name] = metrics
        if not options.json:
            print(f"{name}\n{table(metrics)}\n", flush=True)
    return measured


def labelled(words: Sequence[str]) -> dict[str, list[str]]:
    """Reads LABEL=RUN words: label -> runs."""
    groups: dict[str, list[str]] = {}
    for word in words:
        label, equals, run = word.partition("=")
        if not equals or not run:
            raise ValueError(f"`--beside` must have the form LABEL=RUN. Got {word!r:.80}.")
        groups.setdefault(label, []).append(run)
    return groups
