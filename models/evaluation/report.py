"""Writes RESULTS.md: the checkpoints' metrics beside published values and our own targets.

    python -m models evaluate --report          # from the metrics that the cards hold
    python -m models evaluate --all --report    # measures every bundled checkpoint first

All metrics come from the cards, each with the protocol and the command that it was measured with. Published ones
stand here, in `BARS`. One that was not looked up in its source is marked as recalled.
"""

from __future__ import annotations

import re
import shlex
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from models import checkpoint
from models.card import Card, Entry, roots
from models.data import load_data
from models.evaluation.evaluate import Wanted, evaluate
from models.evaluation.metric import Metrics
from models.evaluation.weights import weight_count
from models.system.files import replace_file

__all__ = ["BARS", "Bar", "Published", "bundled", "evaluate_all", "judge", "report", "wanted", "write_report"]

LEVEL = 0.05  # of the test whether a difference between models is more than the spread of their seeds
SAMPLES = 5000  # of the importance-sampled metrics that papers quote
DISENTANGLEMENT = ("mig", "sap", "factor_vae", "beta_vae", "dci_disentanglement")
BURDA = "https://arxiv.org/abs/1509.00519"
REPRODUCED = "https://github.com/xqding/Importance_Weighted_Autoencoders"
HINTON = "https://doi.org/10.1126/science.1127647"
MAKHZANI = "https://arxiv.org/abs/1312.5663"
WINNERS = "https://github.com/guoguo12/tensorflow-fcwta"
FFJORD = "https://arxiv.org/abs/1810.01367"

# The papers' models, from memory.
BURDAS = "2 layers of 200, 50 dimensions, 3,280 passes, pixels drawn anew at each (recalled)"
HINTONS = "784-1000-500-250-30, pretrained layer by layer (recalled)"
MAKHZANIS = "1,000 units (recalled)"

CHOSEN = "chosen among trainings by these test images"
UNEQUAL = "neither rate nor size is equal: 320 codes an image against 256, 182,039 parameters without the prior against 60,582"

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
    setting: str = "not looked up"  # what its model was

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
    own: bool = False  # set by us before the first run: nothing is published for so small a budget
    seeds: int = 1  # runs that the bar asks for
    published: tuple[Published, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)  # the bar is for checkpoints of this configuration
    asks: tuple[str, ...] = ALL  # what the metric's protocol must say
    note: str = ""  # what a reader should know before comparing


BARS = (
    Bar(
        "mnist-vae",
        "nll",
        87.75,
        asks=DRAWN,
        published=(
            Published(86.76, "Burda et al. 2015, k = 1", BURDA, True, BURDAS),
            Published(87.75, "a reproduction, k = 1", REPRODUCED, True),
        ),
    ),
    Bar(
        "mnist-iwae",
        "nll",
        86.54,
        own=True,
        config={"samples": 5},
        asks=DRAWN,
        published=(
            Published(85.54, "Burda et al. 2015, k = 5", BURDA, False, BURDAS),
            Published(85.46, "a reproduction, k = 5", REPRODUCED, True),
        ),
    ),
    Bar(
        "mnist-iwae-50",
        "nll",
        85.78,
        own=True,
        config={"samples": 50},
        asks=DRAWN,
        published=(
            Published(84.78, "Burda et al. 2015, k = 50", BURDA, False, BURDAS),
            Published(84.59, "a reproduction, k = 50", REPRODUCED, True),
        ),
    ),
    Bar(
        "mnist-ae",
        "squared_error",
        5.0,
        own=True,
        published=(Published(3.00, "Hinton & Salakhutdinov 2006, 30-d", HINTON, False, HINTONS),),
    ),
    Bar(
        "mnist-ae",
        "squared_error",
        0.4,
        beside="mnist-pca",
        published=(Published(13.87, "PCA, Hinton & Salakhutdinov 2006, 30-d", HINTON, False),),
    ),
    Bar("mnist-dae", "probe_error_digit", 2.2, own=True, seeds=3),
    Bar("mnist-dae", "restored_error", 1.0, beside="mnist-ae"),
    Bar("mnist-sparse-ae", "mean_activation", 0.2, "near", of="rho", share=True),
    Bar(
        "mnist-sparse-ae",
        "probe_error_digit",
        2.0,
        published=(Published(1.38, "winner-take-all, a reproduction with an SVM", WINNERS, True),),
    ),
    Bar("mnist-k-sparse-ae", "active_codes", 0.0, "near", of="k"),
    Bar(
        "mnist-k-sparse-ae",
        "probe_error_digit",
        1.8,
        own=True,
        seeds=3,
        published=(Published(1.35, "Makhzani & Frey 2013, k = 25", MAKHZANI, False, MAKHZANIS),),
    ),
    Bar("mnist-k-sparse-ae", "dead_units", 5.0),
    Bar("mnist-capacity-vae", "kl", 1.0, "near", of="capacity"),
    Bar(
        "mnist-real-nvp",
        "bits_per_dim",
        1.25,
        own=True,
        published=(Published(1.06, "Real NVP, quoted by Grathwohl et al. 2018", FFJORD, False),),
    ),
    Bar("mnist-real-nvp", "inverse_error", 1e-4),
    Bar(
        "mnist-glow",
        "bits_per_dim",
        1.25,
        own=True,
        published=(Published(1.05, "Glow, quoted by Grathwohl et al. 2018", FFJORD, False),),
    ),
    Bar("mnist-glow", "inverse_error", 1e-4),
    Bar("faces-beta-vae", "mig", 1.0, "least", beside="faces-vae-10d", seeds=3, asks=FACES),
    Bar("faces-beta-vae", "factor_vae", 1.0, "least", beside="faces-vae-10d", seeds=3, asks=FACES),
    Bar("fashion-vq-vae", "codes_used", 95.0, "least", asks=FASHION),
    Bar("fashion-vq-vae", "prior_share", 0.85, own=True, asks=FASHION),
    Bar("faces-vq-vae-2", "codes_used_top", 90.0, "least", asks=FACES),
    Bar("faces-vq-vae-2", "codes_used_bottom", 90.0, "least", asks=FACES),
    Bar("faces-vq-vae-2", "mse", 0.8, beside="faces-vq-vae", own=True, asks=FACES, note=UNEQUAL),
    Bar("faces-vq-vae-2", "prior_share", 0.85, own=True, asks=FACES),
    Bar("moving-digits-td-vae", "direction_right", 99.0, "least", asks=MOVING, note=CHOSEN),
    Bar("moving-digits-td-vae", "position_error", 0.5, asks=MOVING, note=CHOSEN),
    Bar("moving-digits-td-vae", "digit_kept", 90.0, "least", own=True, asks=MOVING, note=CHOSEN),
)


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
    """The command that measures one checkpoint."""
    words = ["python", "-m", "models", "evaluate", name]
    asked = {option: value for option, value in vars(chosen).items() if option not in ("split", "only")}
    for option, value in (*asked.items(), ("limit", limit)):
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
    if met and bar.seeds > 1 and bar.beside and not few:
        p_value = _better(bar, values, cards)
        if not p_value < LEVEL:
            return Judged(ours, asked, f"**no**, not significant over the seeds (p = {p_value:.2f})")
    return Judged(ours, asked, ("yes" if met else "**no**") + few)


def _better(bar: Bar, values: Sequence[float], cards: dict[str, Card]) -> float:
    """One-sided p-value of Welch's t-test that the seeds of a checkpoint are beyond the bar set by another's; NaN of one."""
    other = _metric_of(cards, bar.beside, bar.metric)
    against = [bar.limit * value for value in _values(other)] if other else []
    return _exceeds(against, values) if bar.kind == "most" else _exceeds(values, against)


def _exceeds(values: Sequence[float], others: Sequence[float]) -> float:
    """One-sided p-value of Welch's t-test that seeds' values are higher than others; NaN if either has only one."""
    from scipy.stats import ttest_ind

    if min(len(values), len(others)) < 2:
        return float("nan")
    return float(ttest_ind(values, others, equal_var=False, alternative="greater").pvalue)


def _bound(bar: Bar, cards: dict[str, Card]) -> tuple[float | None, str]:
    """The number that a metric is compared with, and the bar in words."""
    sign = {"most": "≤", "least": "≥", "near": "±"}[bar.kind]
    star = "\\*" if bar.own else ""
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
    """A number with four significant digits, never in scientific notation."""
    text = f"{value:.4g}"
    return f"{value:.0f}" if "e" in text and abs(value) >= 1 else f"{value:.6f}" if "e" in text else text


HEAD = """# Results

Written by `python -m models evaluate --report` from the checkpoints' cards. Every metric is a mean over all test
images; "±" is the standard deviation over training seeds. A bar marked \\* is our own, set before the first run:
nothing is published for so small a budget. A missed bar says "no". Where a bar is another model of several seeds, it is
met only if the difference is significant over the seeds (Welch's t-test, one-sided, 5 %). A published value marked
*recalled* was not checked against its source. "Settings" says how our models differ from those of the papers. Every
data set has a validation split, by which a training chooses its weights if asked to (`--validation`); of the bundled
checkpoints `fruits-vae` did. A row says where test images chose the training.

## Bars
"""

COLUMNS = {
    "mse": "MSE",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "active_units": "Active units",
    "probe_error_digit": "Probe error, %",
    "mig": "MIG",
    "factor_vae": "FactorVAE",
}
# Likelihoods of different pixels cannot be compared, so each kind has a table of its own.
DENSITIES = {
    "Pixels drawn as 0 or 1 (Bernoulli, nats/image)": ("binarised-bernoulli",),
    "Grey levels taken as probabilities (Bernoulli, nats/image; no likelihood of the image)": ("bernoulli",),
    "Pixels in [0, 1] (Gaussian density, nats/image and bits/dim)": ("learnt-gaussian", "gaussian"),
    "8-bit pixels (bits/dim)": ("",),
}
PIXELS = {
    "binarised-bernoulli": "drawn as 0 or 1",
    "bernoulli": "grey as probabilities",
    "learnt-gaussian": "[0, 1], no noise",
    "gaussian": "[0, 1], no noise",
}
LIKELIHOODS = {"elbo": "ELBO", "nll": "−log p(x), importance-sampled", "bits_per_dim": "Bits/dim"}


def report(entries: Iterable[Entry]) -> str:
    """The text of RESULTS.md for checkpoints."""
    known = [entry for entry in entries if entry.card]
    cards = {entry.name: entry.card for entry in known if entry.card}
    parts = [HEAD, *_bars(cards), "", "## Settings", "", *_settings(known), "", *_baselines(cards)]
    parts += [*_levels(cards), *_films(cards)]
    return "\n".join([*parts, "## All models", "", *_overview(cards), "", *_likelihoods(cards)])


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
        published = "; ".join([*map(str, bar.published), *([bar.note] if bar.note else [])]) or "–"
        unit = f"{bar.metric}{', ' + metric['unit'] if metric and metric.get('unit') else ''}"
        rows.append([bar.checkpoint, unit, judged.ours, judged.asked, judged.met, published, note])
    notes = [
        f"{number}. {protocol}"
        + (f": `{command}`" if command else "")
        + (" (needs the runs below)" if _runs(command, cards) else "")
        for (protocol, command), number in protocols.items()
    ]
    heads = ["Model", "Metric", "Ours", "Bar", "Met", "Published, notes", "Protocol"]
    runs = dict.fromkeys(line for _, command in protocols for line in _runs(command, cards))
    lines = [*_table(heads, rows), "", "Protocols and commands:", "", *notes]
    if runs:
        lines += ["", "Runs of other seeds, which are not bundled:", "", *(f"- `{line}`" for line in runs)]
    return lines


def _runs(command: str, cards: dict[str, Card]) -> list[str]:
    """The commands that train the runs of other seeds which a command measures; a clone does not have them."""
    words = shlex.split(command)
    if "--seeds" not in words:
        return []
    runs = [word for word in words[words.index("--seeds") + 1 :] if not word.startswith("--")]
    card = next((cards[word] for word in words if word in cards), None)
    line = shlex.split(card.command.partition(" && ")[0]) if card else []
    for option in ("--out", "--seed", "--title", "--description"):
        if option in line:
            at = line.index(option)
            line = line[:at] + line[at + 2 :]
    return [
        shlex.join([*line, "--seed", run.rpartition("seed")[2], "--out", f"runs/{Path(run).name}"])
        for run in runs
    ]


def _settings(entries: Sequence[Entry]) -> list[str]:
    """One row a checkpoint that is held against a bar: what papers' models differ in."""
    rows = []
    for entry in entries:
        card = entry.card
        if card is None or not all(entry.name not in (bar.checkpoint, bar.beside) for bar in BARS):
            continue
        published = next(
            (each for bar in BARS if bar.checkpoint == entry.name for each in bar.published), None
        )
        shape = [
            f"{key} {card.config[key]}" for key in ("width", "depth", "levels", "steps") if key in card.config
        ]
        done = card.training
        rows.append(
            [
                entry.name,
                _thousands(weight_count(entry)),
                ", ".join(shape) or "–",
                _epochs(done),
                _thousands(done.get("images")),
                str(card.config.get("samples", 1)),
                _pixels(card),
                published.setting if published else "–",
            ]
        )
    heads = [
        "Model",
        "Parameters",
        "Size",
        "Epochs",
        "Training images",
        "Samples of z",
        "Pixels",
        "The paper's model",
    ]
    return _table(heads, rows)


def _pixels(card: Card) -> str:
    """The kind of pixels that the likelihood models."""
    if "dequantisation" in card.config:
        return f"8-bit, {card.config['dequantisation']} noise"
    return PIXELS.get(str(card.config.get("likelihood", "")), "–")


def _epochs(training: Mapping[str, Any]) -> str:
    """Epochs of a training; those that its steps amount to, where steps or minutes bounded it."""
    if training.get("schedule") and training.get("images"):
        return f"{training['steps'] * training['batch'] / training['images']:,.0f}"
    return " + ".join(str(training[key]) for key in ("epochs", "prior_epochs") if training.get(key)) or "–"


def _thousands(count: Any) -> str:
    return f"{count:,}" if isinstance(count, int) else "–"


def _baselines(cards: dict[str, Card]) -> list[str]:
    """Each disentanglement score beside PCA and an untrained encoder, as far as they are measured."""
    rows = []
    for name in sorted(cards):
        for key in DISENTANGLEMENT:
            own, *others = (_metric_of(cards, name, f"{key}{end}") for end in ("", "_pca", "_untrained"))
            if own and all(others):
                higher = all(_exceeds(_values(own), _values(each)) < LEVEL for each in others if each)
                rows.append([name, key, *(_written(each) for each in (own, *others) if each)])
                rows[-1].append("yes" if higher else "no")
    if not rows:
        return []
    text = (
        "PCA has as many dimensions and is fitted to the same training images, drawn with replacement for each seed; the "
        "untrained encoder has the same layers and the weights that training begins with. A score says something about "
        "training only where it is higher than both, significantly over the seeds (Welch's t-test, one-sided, 5 %)."
    )
    heads = ["Model", "Score", "Ours", "PCA", "Untrained encoder", "Higher than both"]
    return ["## Disentanglement beside PCA and an untrained encoder", "", text, "", *_table(heads, rows), ""]


def _levels(cards: dict[str, Card]) -> list[str]:
    """Two grids of codes beside one, at an equal rate and of equal size, where they were compared."""
    rows = []
    for card in cards.values():
        two, one = card.metrics.get("mse_two_levels"), card.metrics.get("mse_one_level")
        if not two or not one:
            continue
        lower = _exceeds(_values(one), _values(two)) < LEVEL
        verdict = "yes" if lower else "**no**" if len(_values(one)) > 1 else "not said of one seed"
        for label in ("two_levels", "one_level"):
            found = [card.metrics.get(f"{key}_{label}") for key in ("mse", "psnr", "ssim")]
            about = card.metrics[f"mse_{label}"]["protocol"].partition("; ")[2]
            cells = [_written(each) if each else "–" for each in found]
            rows.append([label.replace("_", " "), about, *cells, verdict if label == "two_levels" else "–"])
    if not rows:
        return []
    heads = ["Grids of codes", "Model", "MSE", "PSNR, dB", "SSIM", "Significantly lower MSE"]
    title = "## Two levels of codes beside one, at an equal rate and of equal size"
    return [title, "", *_table(heads, rows), *_trained(cards, ("two_levels", "one_level")), ""]


def _films(cards: dict[str, Card]) -> list[str]:
    """Reconstructions of frames of films beside copying the nearest training frame."""
    rows = []
    for name, card in sorted(cards.items()):
        for end, split in (("", "as bundled"), ("_blocks", "contiguous blocks, no padding")):
            keys = [f"{key}{end}" for key in ("mse", "mse_nearest", "psnr", "psnr_nearest")]
            found = [card.metrics.get(key) for key in keys]
            if found[0] and found[1]:
                rows.append([name, split, *(_written(each) if each else "–" for each in found)])
    if not rows:
        return []
    text = (
        "Neighbouring frames look alike, so copying the nearest training frame comes close already. An error says "
        "something about new frames only where it is lower than that of copying. Padding is not counted."
    )
    heads = ["Model", "Frames", "MSE", "MSE, nearest", "PSNR, dB", "PSNR, nearest"]
    title = "## Frames of films beside copying the nearest training frame"
    return [title, "", text, "", *_table(heads, rows), *_trained(cards, ("blocks",)), ""]


def _trained(cards: dict[str, Card], labels: Sequence[str]) -> list[str]:
    """The commands that trained and measured runs beside a checkpoint, which are not bundled."""
    lines: dict[str, None] = {}
    for card in cards.values():
        for label in labels:
            if metric := card.metrics.get(f"mse_{label}"):
                lines[f"- `{metric.get('trained', '')}`"] = None
                lines[f"- `{metric.get('command', '')}`"] = None
    return ["", "Trained and measured by (other seeds: `--seed`):", "", *lines] if lines else []


def _likelihoods(cards: dict[str, Card]) -> list[str]:
    """A table for each kind of pixels: their likelihoods cannot be compared."""
    lines: list[str] = []
    for title, kinds in DENSITIES.items():
        rows = []
        for name, card in sorted(cards.items(), key=lambda item: (item[1].data["name"], item[0])):
            found = [_metric_of(cards, name, key) for key in LIKELIHOODS]
            if str(card.config.get("likelihood", "")) in kinds and any(found):
                rows.append([name, card.data["name"], *(_written(each) if each else "–" for each in found)])
        if rows:
            used = [True, True, *(any(row[place] != "–" for row in rows) for place in (2, 3, 4))]
            table = [
                [cell for cell, keep in zip(row, used, strict=True) if keep]
                for row in (["Model", "Data", *LIKELIHOODS.values()], *rows)
            ]
            lines += [f"### {title}", "", *_table(table[0], table[1:]), ""]
    return ["## Likelihoods", "", *lines] if lines else []


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
