"""Writes RESULTS.md: what the checkpoints reach, beside what others published and what we asked of ourselves.

    python -m models evaluate --report          # from the metrics that the cards hold
    python -m models evaluate --all --report    # measures every bundled checkpoint first

All metrics come from the cards, each with the protocol and the command that it was measured with. Published ones
stand here, in `BARS`. One that was not looked up in its source is marked as recalled.
"""

from __future__ import annotations

import re
import shlex
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from models import checkpoint
from models.card import Card, Entry, roots
from models.data import load_data
from models.evaluation.evaluate import Wanted, evaluate
from models.evaluation.metric import Metrics
from models.system.files import replace_file

__all__ = ["BARS", "Bar", "Published", "bundled", "evaluate_all", "judge", "report", "wanted", "write_report"]

SAMPLES = 5000  # of the importance-sampled metrics that papers quote
DISENTANGLEMENT = ("mig", "sap", "factor_vae", "beta_vae", "dci_disentanglement")
BURDA = "https://arxiv.org/abs/1509.00519"
REPRODUCED = "https://github.com/xqding/Importance_Weighted_Autoencoders"
HINTON = "https://doi.org/10.1126/science.1127647"
MAKHZANI = "https://arxiv.org/abs/1312.5663"
WINNERS = "https://github.com/guoguo12/tensorflow-fcwta"
FFJORD = "https://arxiv.org/abs/1810.01367"

ALL = ("mnist test, 10000 images",)  # of a protocol
DRAWN = (f"{SAMPLES} samples", "pixels drawn as 0 or 1", *ALL)
FACES = ("faces test",)
FASHION = ("fashion-mnist test, 10000 images",)
MOVING = ("11 frames seen", "jump of 1 to 5 frames", "moving-digits test, 10000 sequences")


@dataclass(frozen=True)
class Published:
    """A value of a metric published elsewhere."""

    value: float
    what: str  # whose and of which setting
    source: str  # link
    confirmed: bool  # looked up in the source; else recalled

    def __str__(self) -> str:
        return f"{self.value:g} ([{self.what}]({self.source})){'' if self.confirmed else ' *recalled*'}"


@dataclass(frozen=True)
class Bar:
    """What a metric of a checkpoint is held against."""

    checkpoint: str
    metric: str
    limit: float = 0.0
    kind: Literal["most", "least", "near"] = "most"  # the bound's sense; near: at most `limit` away from `of`
    of: str = ""  # for "near": the field of the configuration that the metric should meet
    share: bool = False  # for "near": `limit` is a share of that field
    beside: str = ""  # checkpoint of whose same metric `limit` is a share
    own: bool = False  # set by us: nothing is published for so small a budget
    was: float | None = None  # what an own bar was before the first honest run of several seeds set it anew
    seeds: int = 1  # runs that the bar asks for
    published: tuple[Published, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)  # the bar is for checkpoints of this configuration
    asks: tuple[str, ...] = ALL  # what the metric's protocol must say


BARS = (
    Bar("mnist-vae", "nll", 87.75, asks=DRAWN, published=(
        Published(86.76, "Burda et al. 2015, k = 1", BURDA, True),
        Published(87.75, "a reproduction, k = 1", REPRODUCED, True))),
    Bar("mnist-iwae", "nll", 86.54, own=True, config={"samples": 5}, asks=DRAWN, published=(
        Published(85.54, "Burda et al. 2015, k = 5", BURDA, False),
        Published(85.46, "a reproduction, k = 5", REPRODUCED, True))),
    Bar("mnist-iwae-50", "nll", 85.78, own=True, config={"samples": 50}, asks=DRAWN, published=(
        Published(84.78, "Burda et al. 2015, k = 50", BURDA, False),
        Published(84.59, "a reproduction, k = 50", REPRODUCED, True))),
    Bar("mnist-ae", "squared_error", 5.0, own=True, published=(
        Published(3.00, "Hinton & Salakhutdinov 2006, 30-d", HINTON, False),)),
    Bar("mnist-ae", "squared_error", 0.4, beside="mnist-pca", published=(
        Published(13.87, "PCA, Hinton & Salakhutdinov 2006, 30-d", HINTON, False),)),
    Bar("mnist-dae", "probe_error_digit", 3.0, own=True, was=2.2, seeds=3),
    Bar("mnist-dae", "restored_error", 1.0, beside="mnist-ae"),
    Bar("mnist-sparse-ae", "mean_activation", 0.2, "near", of="rho", share=True),
    Bar("mnist-sparse-ae", "probe_error_digit", 2.0, published=(
        Published(1.38, "winner-take-all, a reproduction with an SVM", WINNERS, True),)),
    Bar("mnist-k-sparse-ae", "active_codes", 0.0, "near", of="k"),
    Bar("mnist-k-sparse-ae", "probe_error_digit", 3.6, own=True, was=1.8, seeds=3, published=(
        Published(1.35, "Makhzani & Frey 2013, k = 25", MAKHZANI, False),)),
    Bar("mnist-k-sparse-ae", "dead_units", 5.0),
    Bar("mnist-capacity-vae", "kl", 1.0, "near", of="capacity"),
    Bar("mnist-real-nvp", "bits_per_dim", 1.25, own=True, published=(
        Published(1.06, "Real NVP, quoted by Grathwohl et al. 2018", FFJORD, False),)),
    Bar("mnist-real-nvp", "inverse_error", 1e-4),
    Bar("mnist-glow", "bits_per_dim", 1.25, own=True, published=(
        Published(1.05, "Glow, quoted by Grathwohl et al. 2018", FFJORD, False),)),
    Bar("mnist-glow", "inverse_error", 1e-4),
    Bar("faces-beta-vae", "mig", 1.0, "least", beside="faces-vae-10d", seeds=3, asks=FACES),
    Bar("faces-beta-vae", "factor_vae", 1.0, "least", beside="faces-vae-10d", seeds=3, asks=FACES),
    Bar("fashion-vq-vae", "codes_used", 95.0, "least", asks=FASHION),
    Bar("fashion-vq-vae", "prior_share", 0.85, own=True, asks=FASHION),
    Bar("faces-vq-vae-2", "codes_used_top", 90.0, "least", asks=FACES),
    Bar("faces-vq-vae-2", "codes_used_bottom", 90.0, "least", asks=FACES),
    Bar("faces-vq-vae-2", "mse", 0.8, beside="faces-vq-vae", own=True, asks=FACES),
    Bar("faces-vq-vae-2", "prior_share", 0.85, own=True, asks=FACES),
    Bar("moving-digits-td-vae", "direction_right", 99.0, "least", asks=MOVING),
    Bar("moving-digits-td-vae", "position_error", 0.5, asks=MOVING),
    Bar("moving-digits-td-vae", "digit_kept", 90.0, "least", own=True, asks=MOVING),
)  # fmt: skip


def wanted(name: str) -> Wanted:
    """What has to be measured of a checkpoint for its bars, and of those it stands beside."""
    metrics = {bar.metric for bar in BARS if name in (bar.checkpoint, bar.beside)}
    return Wanted(
        samples=SAMPLES if "nll" in metrics else None,
        probe=any(each.startswith("probe_error") for each in metrics),
        disentanglement=not metrics.isdisjoint(DISENTANGLEMENT),
    )


def bundled() -> list[Entry]:
    """The checkpoints of the first folder that checkpoints are looked for in: the bundled ones."""
    return checkpoint.scan(roots()[0])


def evaluate_all(
    too: Wanted, *, limit: int | None = None, write: bool = False
) -> Iterator[tuple[str, Metrics]]:
    """Measures every bundled checkpoint, with what its bars ask for, one after the other.

    Arguments:
        too: What to measure beside that; its `samples` take the place of the bars'. What a model or its
            data do not offer is left out.
        limit: Use the first images only; all where None.
        write: Keep the metrics in the cards.

    Raises:
        CheckpointError: If a checkpoint is broken; nothing is measured then.
    """
    entries = [checkpoint.read(entry.path) for entry in bundled()]
    for entry in entries:
        chosen = _offered(entry, _both(wanted(entry.name), too), limit)
        runs = [
            run.path
            for run in checkpoint.scan()
            if re.fullmatch(f"{re.escape(entry.name)}-seed[0-9]+", run.name)
        ]
        command = _command(entry.name, chosen, limit, runs)
        yield entry.name, evaluate(entry.path, chosen, seeds=runs, limit=limit, command=command, write=write)


def _both(asked: Wanted, too: Wanted) -> Wanted:
    return Wanted(
        samples=asked.samples if too.samples is None else too.samples,
        probe=asked.probe or too.probe,
        disentanglement=asked.disentanglement or too.disentanglement,
        attributes=too.attributes,
    )


def _offered(entry: Entry, chosen: Wanted, limit: int | None) -> Wanted:
    """What of it the model and its data offer."""
    from models.evaluation.disentanglement import measurable
    from models.evaluation.linear_probe import classes

    model = checkpoint.load(entry.path)
    if model.spec.sequence:
        return Wanted()
    data = entry.card.data if entry.card else {}
    test = load_data(data["name"], "test", limit=limit, **data.get("options", {}))
    return replace(
        chosen,
        samples=chosen.samples if model.spec.likelihood == "bound" and not model.spec.discrete else None,
        probe=chosen.probe and bool(classes(test)),
        disentanglement=chosen.disentanglement and measurable(test),
        attributes=chosen.attributes and bool(test.attributes),
    )


def _command(name: str, chosen: Wanted, limit: int | None, runs: Sequence[Path]) -> str:
    """The line that measures one checkpoint alone."""
    words = ["python", "-m", "models", "evaluate", name]
    for option, value in (*vars(chosen).items(), ("limit", limit)):
        words += [] if not value else [f"--{option}"] if value is True else [f"--{option}", str(value)]
    words += ["--seeds", *(run.name for run in runs)] if runs else []
    return shlex.join([*words, "--write"])


@dataclass(frozen=True)
class Judged:
    """A bar and how a checkpoint stands to it."""

    ours: str
    asked: str
    met: str  # "yes", "no" or why it can not be said


def judge(bar: Bar, cards: dict[str, Card]) -> Judged:
    """Holds the metric of a card against its bar; of several seeds, their mean."""
    metric = _metric_of(cards, bar.checkpoint, bar.metric)
    ours = _written(metric) if metric else "–"
    bound, asked = _bound(bar, cards)
    if metric is None or bound is None:
        return Judged(ours, asked, "not measured")
    if not all(each in metric.get("protocol", "") for each in bar.asks):
        return Judged(ours, asked, "another protocol")
    values = _values(metric)
    value = statistics.fmean(values)
    if bar.kind == "near":
        target = cards[bar.checkpoint].config[bar.of]
        met = abs(value - target) <= (bound * target if bar.share else bound)
    else:
        met = value <= bound if bar.kind == "most" else value >= bound
    few = f", {len(values)} of {bar.seeds} seeds" if len(values) < bar.seeds else ""
    return Judged(ours, asked, ("yes" if met else "**no**") + few)


def _bound(bar: Bar, cards: dict[str, Card]) -> tuple[float | None, str]:
    """The number that a metric is compared with, and the bar in words."""
    sign = {"most": "≤", "least": "≥", "near": "±"}[bar.kind]
    star = "\\*" if bar.own else ""
    star += f" (first {bar.was:g})" if bar.was is not None else ""
    if bar.kind == "near":
        target = cards[bar.checkpoint].config.get(bar.of) if bar.checkpoint in cards else None
        limit = f"{bar.limit:.0%}" if bar.share else f"{bar.limit:g}"
        known = target is not None
        words = f"{bar.of}{f' ({target:g})' if known else ''}{f' {sign} {limit}' if bar.limit else ''}{star}"
        return (bar.limit if known else None), words
    if not bar.beside:
        return bar.limit, f"{sign} {bar.limit:g}{star}"
    other = _metric_of(cards, bar.beside, bar.metric)
    times = "" if bar.limit == 1 else f"{bar.limit:g} × "
    if other is None:
        return None, f"{sign} {times}{bar.beside}{star}"
    return bar.limit * statistics.fmean(
        _values(other)
    ), f"{sign} {times}{bar.beside} ({_written(other)}){star}"


def _metric_of(cards: dict[str, Card], name: str, key: str) -> dict[str, Any] | None:
    metric: dict[str, Any] | None = cards[name].metrics.get(key) if name in cards else None
    return metric


def _values(metric: dict[str, Any]) -> list[float]:
    """A metric's values of all seeds."""
    values: list[float] = metric.get("values", [metric["value"]])
    return values


def _written(metric: dict[str, Any]) -> str:
    """A metric as a table shows it: the mean of several seeds ± their standard deviation."""
    values = _values(metric)
    mean = statistics.fmean(values)
    if len(values) == 1:
        return _number(mean)
    return f"{_number(mean)} ± {_number(statistics.stdev(values))} ({len(values)} seeds)"


def _number(value: float) -> str:
    """Four digits that count, never in powers of ten."""
    text = f"{value:.4g}"
    return f"{value:.0f}" if "e" in text and abs(value) >= 1 else f"{value:.6f}" if "e" in text else text


HEAD = """# Results

Written by `python -m models evaluate --report` from the checkpoints' cards. Every metric is a mean over all test images;
"±" is the standard deviation over training seeds. A bar marked \\* is our own: nothing is published for so small a
budget. A bar marked "first" was missed as first set, then reset to the mean and two standard deviations of three seeds.
A published value marked *recalled* was not checked against its source.

## Bars
"""

COLUMNS = {
    "mse": "MSE", "psnr": "PSNR, dB", "ssim": "SSIM", "elbo": "ELBO, nats", "nll": "−log p(x), nats",
    "bits_per_dim": "Bits/dim", "active_units": "Active units",
    "probe_error_digit": "Probe error, %", "mig": "MIG", "factor_vae": "FactorVAE",
}  # fmt: skip


def report(entries: Iterable[Entry]) -> str:
    """The text of RESULTS.md for checkpoints."""
    cards = {entry.name: entry.card for entry in entries if entry.card}
    return "\n".join([HEAD, *_bars(cards), "", "## All models", "", *_overview(cards), ""])


def _bars(cards: dict[str, Card]) -> list[str]:
    """One row a bar, and below them the protocols that the rows point to."""
    protocols: dict[tuple[str, str], int] = {}
    rows = []
    for bar in BARS:
        card = cards.get(bar.checkpoint)
        if bar.config and not (card and bar.config.items() <= card.config.items()):
            continue
        judged, note = judge(bar, cards), ""
        metric = _metric_of(cards, bar.checkpoint, bar.metric)
        if metric:
            key = metric.get("protocol", ""), metric.get("command", "")
            note = f"[{protocols.setdefault(key, len(protocols) + 1)}]"
        published = "; ".join(map(str, bar.published)) or "–"
        unit = f"{bar.metric}{', ' + metric['unit'] if metric and metric.get('unit') else ''}"
        rows.append([bar.checkpoint, unit, judged.ours, judged.asked, judged.met, published, note])
    notes = [
        f"{number}. {protocol}" + (f": `{command}`" if command else "")
        for (protocol, command), number in protocols.items()
    ]
    heads = ["Model", "Metric", "Ours", "Bar", "Met", "Published", "Protocol"]
    return [*_table(heads, rows), "", "Protocols and commands:", "", *notes]


def _overview(cards: dict[str, Card]) -> list[str]:
    """One row a checkpoint, the metrics that models share in columns."""
    rows = []
    for name, card in sorted(cards.items(), key=lambda item: (item[1].data["name"], item[0])):
        found = [_metric_of(cards, name, key) for key in COLUMNS]
        metrics = [_written(metric) if metric else "–" for metric in found]
        rows.append([name, card.data["name"], str(card.config.get("latent", "–")), *metrics])
    return _table(["Model", "Data", "Latent", *COLUMNS.values()], rows)


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a Markdown table."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *cells)]


def write_report(path: Path, entries: Iterable[Entry]) -> None:
    """Writes RESULTS.md."""
    text = report(entries)
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
