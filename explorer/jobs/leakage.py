"""A job: the leakage table, which shows what an edit along a direction changes besides its target, measured on pictures.

Attributes are read by a classifier that was trained on the data set's original pixels
(`models/evaluation/classifier_cache.py`), never by a probe of the latent. The images are from the test split: on one half
the strength is found, the smallest at which 95 % of the targets flip; the metrics are measured on the other half
(`explorer/latent/directions/leakage.py`). A direction estimated from two sides is estimated again without these
images. Random directions that flip as many targets are the control. Some edits are shown beside the ground truth, if
the data set can be drawn with one factor changed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.atlas.storage import Atlas, load_atlas
from explorer.fields import SEED_AT_MOST
from explorer.latent.directions.balance import covariates
from explorer.latent.directions.estimators import METHODS, Sides, fit_held
from explorer.latent.directions.leakage import (
    AIM,
    Leak,
    Target,
    Trial,
    find_strength,
    random_directions,
    spreads_of,
    targets,
)
from explorer.latent.directions.mean_difference import held_vectors, named_sides
from explorer.latent.intervals import discoveries
from explorer.sharing import exports
from models import Autoencoder, checkpoint
from models.card import Entry
from models.data import Attribute, ImageData, load_pictures
from models.evaluation.attribute_classifier import log_odds, qualities
from models.evaluation.classifier_cache import CachedClassifier, cached_classifier
from models.evaluation.counterfactuals import redrawn
from models.evaluation.reading_quality import Quality

__all__ = [
    "IMAGES",
    "Bench",
    "Given",
    "Measured",
    "Request",
    "fitted",
    "held_out",
    "measure",
    "measured_attributes",
    "open_bench",
    "pictures_beside",
    "table",
]

Rows = NDArray[np.int64]
Report = Callable[[float, str], None]

IMAGES = 400
IMAGES_AT_LEAST, IMAGES_AT_MOST = 20, 4_000
DIRECTIONS_AT_MOST = 8
SPREAD_OVER = 300  # decoded images for the standard deviations and the quality of readings
CONTROLS = 3  # random directions
SHOWN = 4  # images shown with edit and ground truth
BATCH = 64  # latents decoded at once
TITLE_AT_MOST = 120


@dataclass(frozen=True, eq=False)
class Request:
    """What to measure: given directions, or one to fit."""

    model: str  # name or folder of a checkpoint
    direction: str | None = None  # slug of an attribute's direction, e.g. smile or hair-blond
    method: str = "mean"  # estimator
    hold: Sequence[str] = ()  # slugs of attributes' directions to hold fixed
    titles: Sequence[str] = ()  # of the K given directions
    vectors: NDArray[np.float32] | None = None  # of the given directions, (K, D)
    methods: Sequence[str] = ()  # estimator of each given direction, to fit it again; "" to use it unchanged
    sides: NDArray[np.int8] | None = None  # of the images, (N,): 1 with, -1 without, 0 neither
    others: NDArray[np.float64] | None = None  # columns that `balanced` balances, (N, C)
    held: NDArray[np.float32] | None = None  # other directions held fixed, (H, D)
    images: int = IMAGES  # images of the test split, half of them to find the strength
    seed: int = 0  # seed of the choice of images

    def __post_init__(self) -> None:
        if not IMAGES_AT_LEAST <= self.images <= IMAGES_AT_MOST:
            raise ValueError(f"`images` must lie in {IMAGES_AT_LEAST}..{IMAGES_AT_MOST}. Got {self.images}.")
        if not 0 <= self.seed <= SEED_AT_MOST:
            raise ValueError(f"`seed` must lie in 0..{SEED_AT_MOST}. Got {self.seed}.")
        if self.method not in METHODS:
            raise ValueError(f"`method` must be one of: {', '.join(METHODS)}. Got {self.method[:40]!r}.")
        if len(self.titles) > DIRECTIONS_AT_MOST:
            raise ValueError(f"There may be at most {DIRECTIONS_AT_MOST} directions. Got {len(self.titles)}.")
        if not self.titles and not self.direction:
            raise ValueError("Name a direction, or pass `vectors`.")
        if self.methods and (
            len(self.methods) != len(self.titles) or not set(self.methods) <= {"", *METHODS}
        ):
            raise ValueError(
                f"`methods` must name an estimator or nothing for each direction: {', '.join(METHODS)}."
            )
        if not all(0 < len(title) <= TITLE_AT_MOST for title in self.titles):
            raise ValueError(f"A title must have 1 to {TITLE_AT_MOST} characters.")

    def given(self, size: int) -> list[Given]:
        """The given directions.

        Raises:
            ValueError: If they are not vectors of `size` finite numbers, one per title, none of them zero.
        """
        if not self.titles:
            return []
        vectors = np.empty(0, np.float32) if self.vectors is None else self.vectors
        if (
            vectors.shape != (len(self.titles), size)
            or vectors.dtype != np.float32
            or not np.isfinite(vectors).all()
            or not vectors.any(axis=1).all()
        ):
            raise ValueError(
                f"`vectors` must be float32 of the shape ({len(self.titles)}, {size}), finite and none of them all 0. "
                f"Got {vectors.dtype} {vectors.shape}."
            )
        return [Given(title, vector) for title, vector in zip(self.titles, vectors, strict=True)]


@dataclass(frozen=True, eq=False)
class Bench:
    """A model, its atlas and the classifier of its pictures."""

    entry: Entry
    model: Autoencoder
    atlas: Atlas
    cached: CachedClassifier
    attributes: dict[str, Attribute]  # of the atlas, those that the classifier reads

    def decode(self, z: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Latents (M, D) to pictures, uint8, (M, H, W, C)."""
        parts = []
        with torch.inference_mode():
            for start in range(0, len(z), BATCH):
                latents = torch.from_numpy(np.ascontiguousarray(z[start : start + BATCH]))
                x = self.model.decode(latents.reshape(-1, *self.model.spec.shape))
                levels = x.nan_to_num(0).clamp(0, 1).mul(255).round().to(torch.uint8)
                parts.append(levels.permute(0, 2, 3, 1).numpy())
        return np.ascontiguousarray(np.concatenate(parts))

    def read(self, pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
        """The classifier's log-odds or value of each attribute."""
        return log_odds(self.cached.classifier, pictures, self.attributes)

    def trial(
        self, rows: Rows, target: Target | None, spreads: Mapping[str, NDArray[np.float64]] | None = None
    ) -> Trial:
        """A trial of edits on images of the atlas, with the standard deviations of readings over the collection."""
        return Trial(self.decode, self.read, self.atlas.mean[rows], self.attributes, target, spreads)

    def quality(self, seed: int = 0) -> dict[str, Quality]:
        """How well each attribute is read from decoded test images, on which edits are measured."""
        rows = np.flatnonzero(np.asarray(self.atlas.split) == "test")
        chosen = np.sort(np.random.default_rng(seed).permutation(rows)[:SPREAD_OVER])
        known = {name: each.take(chosen) for name, each in self.attributes.items()}
        return qualities(self.read(self.decode(self.atlas.mean[chosen])), known)

    def spreads(self, seed: int = 0) -> dict[str, NDArray[np.float64]]:
        """The standard deviation of each reading over decoded images of the atlas."""
        count = min(SPREAD_OVER, len(self.atlas))
        rows = np.sort(np.random.default_rng(seed).choice(len(self.atlas), count, replace=False))
        return spreads_of(self.read(self.decode(self.atlas.mean[rows])))


@dataclass(frozen=True, eq=False)
class Given:
    """A direction to measure."""

    title: str
    vector: NDArray[np.float32]  # (D,)
    apart: bool = False  # whether it was fitted without the images that it is measured on


@dataclass(frozen=True)
class Measured:
    """A direction's column of the table."""

    title: str
    leak: Leak
    reached: bool  # whether its strength flips the intended share of targets
    apart: bool = True  # whether it was fitted without the images that it is measured on

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"title": self.title, "reached": self.reached, "apart": self.apart} | self.leak.as_json()


def open_bench(name: str, report: Report | None = None) -> Bench:
    """Opens a checkpoint with its attribute classifier, which is trained if there is none yet.

    Arguments:
        name: Name or folder of a checkpoint.
        report: Called with the share done and what is being done.

    Raises:
        ValueError: If there is no such checkpoint, or its data set is not on this machine or has no attributes.
    """
    say = report or (lambda share, what: None)
    say(0.0, "Opening the model")
    entry = checkpoint.read(name)
    if entry.card is None:
        raise ValueError(f"{entry.path} has no card.")
    atlas = load_atlas(entry)
    if not atlas.attributes:
        raise ValueError(f"The images of {entry.name} have no attributes to measure.")
    model = checkpoint.load(entry.path).eval()
    data = entry.card.data
    say(0.0, "Reading the data set")
    cached = cached_classifier(
        data["name"],
        data.get("options", {}),
        lambda done, total: say(
            done / total, "Training the classifier on original pictures, once for this data set"
        ),
    )
    return Bench(entry, model, atlas, cached, measured_attributes(atlas, cached.classifier))


def measured_attributes(atlas: Atlas, classifier: Any) -> dict[str, Attribute]:
    """The atlas' attributes that vary and that a classifier reads.

    Raises:
        ValueError: If there is none.
    """
    sizes = {name: head.out_features for name, head in classifier.heads.items()}
    wanted = {"binary": 2, "continuous": 1}
    readable = {
        name: each
        for name, each in atlas.attributes.items()
        if sizes.get(name) == wanted.get(each.kind, len(each.labels))
        and len(np.unique(each.values[each.known])) > 1
    }
    if not readable:
        raise ValueError("The classifier reads no attribute of the atlas. Rebuild the atlas.")
    return readable


def held_out(
    atlas: Atlas, attributes: Mapping[str, Attribute], slug: str | None, images: int, seed: int
) -> tuple[Rows, Rows]:
    """Test images to find the strength on, and others to measure on, with equally many of both sides of the target.

    Arguments:
        atlas: The model's atlas.
        attributes: Attributes that are measured.
        slug: Slug of the target's direction; None for a direction without a target.
        images: Most images in total.
        seed: Seed of the choice.

    Raises:
        ValueError: If the attribute is unknown, or a side has too few test images.
    """
    test = np.asarray(atlas.split) == "test"
    rng = np.random.default_rng(seed)
    if slug is None:
        groups = [test]
    else:
        with_, without = named_sides(attributes, slug)
        groups = [with_ & test, without & test]
    halves: tuple[list[Rows], list[Rows]] = ([], [])
    for group in groups:
        rows = rng.permutation(np.flatnonzero(group))[: images // len(groups)]
        if len(rows) < IMAGES_AT_LEAST // 2:
            raise ValueError(
                f"Each side must have at least {IMAGES_AT_LEAST // 2} images of the test split. Got {len(rows)}. "
                "Build the atlas of more images: `python -m explorer.atlas MODEL --count 8000`."
            )
        for half, start in zip(halves, (0, 1), strict=True):
            half.append(rows[start::2])
    return np.concatenate(halves[0]), np.concatenate(halves[1])


def fitted(
    z: NDArray[np.float32],
    attributes: Mapping[str, Attribute],
    slug: str,
    method: str = "mean",
    hold: Sequence[str] = (),
    use: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """The direction of an attribute, optionally with others held fixed.

    Arguments:
        z: Latents, shape (N, D).
        attributes: Attributes of the N images.
        slug: Slug of the attribute's direction.
        method: A key of `explorer.latent.directions.estimators.METHODS`.
        hold: Slugs of directions to hold fixed, as for `held_vectors`.
        use: Which images to fit on, bool, shape (N,); all if None.

    Returns:
        float32, shape (D,); a step of 1 leads from the mean without to the mean with.

    Raises:
        ValueError: If a slug or the method is unknown, or nothing is left of the direction.
    """
    used = np.ones(len(z), bool) if use is None else use

    with_, without = named_sides(attributes, slug)
    own = targets(attributes)[slug].attribute
    others = covariates(attributes, [own]) if method == "balanced" else None
    sides = Sides.of(z, with_ & used, without & used, others)
    return fit_held(method, sides, held_vectors(z, attributes, hold, used)).astype(np.float32)


def measure(
    bench: Bench,
    given: Sequence[Given],
    slug: str | None,
    halves: tuple[Rows, Rows],
    aim: float = AIM,
    report: Report | None = None,
) -> list[Measured]:
    """Finds each direction's strength on some images and measures its leakage on others.

    Arguments:
        bench: The model and its classifier.
        given: Directions.
        slug: Slug of the attribute whose direction they estimate; None if there is none.
        halves: Images to find the strength on, and images to measure on.
        aim: Intended share of flipped targets.
        report: Called with the share done and what is being done.
    """
    say = report or (lambda share, what: None)
    target = None if slug is None else targets(bench.attributes)[slug]
    say(0.0, f"Reading {sum(map(len, halves)):,} pictures")
    spreads = bench.spreads()
    tuned, judged = (bench.trial(rows, target, spreads) for rows in halves)
    measured = []
    for number, each in enumerate(given):
        what = f"Editing along {each.title}"

        def share(done: float, number: int = number, what: str = what) -> None:
            say((number + 0.9 * done) / len(given), what)

        strength, reached = find_strength(tuned, each.vector, aim, share)
        measured.append(Measured(each.title, judged.leak(each.vector, strength), reached, each.apart))
    return measured


def control(
    bench: Bench, length: float, slug: str | None, halves: tuple[Rows, Rows], aim: float = AIM, seed: int = 0
) -> list[Measured]:
    """Random directions, each at the strength that flips the intended share of targets, or the most possible.

    Arguments:
        bench: The model and its classifier.
        length: Length of the directions.
        slug: Slug of the target's direction; without one there is no control.
        halves: Images to find the strength on, and images to measure on.
        aim: Intended share of flipped targets.
        seed: Seed of the directions.
    """
    if slug is None:
        return []
    vectors = random_directions(bench.atlas.mean, length, CONTROLS, seed)
    both = [Given("", sign * vector) for vector in vectors for sign in (1, -1)]
    measured = measure(bench, both, slug, halves, aim)
    pairs = zip(measured[::2], measured[1::2], strict=True)
    return [max(pair, key=lambda each: each.leak.success.value) for pair in pairs]


def _control_json(measured: Sequence[Measured]) -> dict[str, Any] | None:
    """The control's mean success, and the mean and range of its dependency; None if it flips no targets."""
    known = [each.leak for each in measured if np.isfinite(each.leak.dependency.value)]
    if not known:
        return None
    values = [leak.dependency.value for leak in known]
    return {
        "count": len(known),
        "success": round(float(np.mean([leak.success.value for leak in known])), 5),
        "dependency": round(float(np.mean(values)), 5),
        "dependency_range": [round(min(values), 5), round(max(values), 5)],
        "worst": round(float(np.mean([leak.worst[1] for leak in known])), 5),
    }


def _leaks(measured: Sequence[Measured]) -> list[dict[str, bool]]:
    """Which attributes other than the target drift, at a false discovery rate of 5 % over all cells of the table."""
    cells = [
        (n, name)
        for n, each in enumerate(measured)
        for name in each.leak.p_values
        if name != each.leak.target
    ]
    certain = discoveries([measured[n].leak.p_values[name] for n, name in cells])
    leaks: list[dict[str, bool]] = [{} for _ in measured]
    for (n, name), sure in zip(cells, certain, strict=True):
        leaks[n][name] = bool(sure)
    return leaks


def refitted(
    request: Request,
    z: NDArray[np.float32],
    attributes: Mapping[str, Attribute],
    given: Sequence[Given],
    unseen: NDArray[np.bool_],
) -> list[Given]:
    """The given directions; those with an estimator are fitted again on images that are not measured on.

    Arguments:
        request: Estimators, sides and directions held fixed.
        z: Latents of the atlas, shape (N, D).
        attributes: Attributes of the N images.
        given: The directions.
        unseen: Which images are not measured on, bool, shape (N,).

    Raises:
        ValueError: If the sides do not match the atlas, or the unseen images give no direction.
    """
    if request.sides is None or not request.methods:
        return list(given)
    if request.sides.shape != unseen.shape:
        raise ValueError(f"`sides` must have the shape {unseen.shape}. Got {request.sides.shape}.")
    sides = Sides.of(z, (request.sides == 1) & unseen, (request.sides == -1) & unseen, request.others)
    held = held_vectors(z, attributes, request.hold, unseen)
    if request.held is not None:
        held = np.concatenate([held, request.held])
    return [
        each if not method else Given(each.title, fit_held(method, sides, held).astype(np.float32), True)
        for each, method in zip(given, request.methods, strict=True)
    ]


def pictures_beside(
    bench: Bench, given: Sequence[Given], measured: Sequence[Measured], slug: str | None, rows: Rows
) -> list[dict[str, Any]]:
    """Original, reconstruction, edits and truth of some images, as JSON values with PNGs in base64.

    Arguments:
        bench: The model and its classifier.
        given: Directions.
        measured: Their measured columns.
        slug: Slug of the attribute's direction; without one there is no ground truth.
        rows: Rows of the atlas, from the test split.
    """
    target = None if slug is None else targets(bench.attributes)[slug]
    trial = bench.trial(rows, target)
    edits = [trial.edited(each.vector, one.leak.strength) for each, one in zip(given, measured, strict=True)]
    decoded, edited = bench.decode(trial.z), [bench.decode(z) for z in edits]
    data = _test_images(bench, rows)
    collection = _collection(bench, data)
    beside = []
    for place, row in enumerate(rows):
        index = None if data is None else _place(data, int(bench.atlas.ids[row]))
        original = truth = None
        if data is not None and index is not None:
            original = data.images[index]
            if target is not None:
                wanted = _wanted(bench, target, int(row), trial, place, edited[-1][place : place + 1])
                truth = redrawn(data, index, target.attribute, wanted, collection)
        beside.append(
            {
                "id": int(bench.atlas.ids[row]),
                "item": int(row),
                "way": int(trial.ways[place]),
                "original": _png(original),
                "decoded": _png(decoded[place]),
                "edits": [_png(each[place]) for each in edited],
                "truth": _png(truth),
            }
        )
    return beside


def _test_images(bench: Bench, rows: Rows) -> ImageData | None:
    """The part of the test split that these images need; None if it cannot be read."""
    card = bench.entry.card
    if card is None:
        return None
    limit = int(bench.atlas.ids[rows].max()) + 1
    try:
        return load_pictures(card.data["name"], "test", limit=limit, **card.data.get("options", {}))
    except ValueError:
        return None


def _collection(bench: Bench, data: ImageData | None) -> ImageData | None:
    """The images from whose layers the ground truth of others is composed."""
    if data is None or data.name != "lpc-sprites":
        return None
    return load_pictures(data.name, "train")


def _place(data: ImageData, number: int) -> int | None:
    index = np.flatnonzero(data.ids == number)
    return int(index[0]) if len(index) else None


def _wanted(
    bench: Bench, target: Target, row: int, trial: Trial, place: int, edited: NDArray[np.uint8]
) -> float:
    """The value that the edit aims at: the label; of a continuous attribute, what the classifier reads in the edit."""
    attribute = bench.attributes[target.attribute]
    forward = trial.ways[place] > 0
    if attribute.kind == "continuous":
        return float(bench.read(edited)[target.attribute][0, 0])
    if attribute.kind == "binary":
        return float(forward)
    if forward:
        return float(target.column)
    probable = bench.read(edited)[target.attribute][0].copy()
    probable[target.column] = -np.inf  # away from this label, to whichever the edit has made of it
    return float(probable.argmax())


def _quality_json(each: Quality) -> dict[str, Any]:
    """As JSON values; null for the overconfidence of values."""
    sure = each.overconfidence
    return {
        "measure": each.measure,
        "value": round(each.value, 4),
        "interval": [round(each.low, 4), round(each.high, 4)],
        "overconfidence": round(sure, 4) if np.isfinite(sure) else None,
        "images": each.images,
    }


def _png(picture: NDArray[np.uint8] | None) -> str | None:
    return None if picture is None else base64.b64encode(exports.picture_png(picture)).decode("ascii")


def table(request: Request, report: Report) -> dict[str, Any]:
    """Measures directions.

    Returns:
        The table as JSON values: a column a direction, and pictures of some edits as PNGs in base64.

    Raises:
        ValueError: If an attribute is unknown, there are too few test images, or a direction is not of the model's size.
    """
    bench = open_bench(request.model, lambda share, what: report(0.6 * share, what))
    slug = request.direction
    given = request.given(bench.atlas.mean.shape[1])
    halves = held_out(bench.atlas, bench.attributes, slug, request.images, request.seed)
    unseen = np.ones(len(bench.atlas), bool)
    unseen[np.concatenate(halves)] = False
    given = refitted(request, bench.atlas.mean, bench.atlas.attributes, given, unseen)
    if not given and slug is not None:
        vector = fitted(bench.atlas.mean, bench.attributes, slug, request.method, request.hold, unseen)
        held = f", holding {', '.join(request.hold)}" if request.hold else ""
        given = [Given(f"{slug}, {METHODS[request.method].lower()}{held}", vector, True)]
    measured = measure(
        bench,
        given,
        slug,
        halves,
        report=lambda share, what: report(0.6 + 0.2 * share, what),
    )
    report(0.8, "Editing along random directions")
    random = control(bench, float(np.linalg.norm(given[-1].vector)), slug, halves, seed=request.seed)
    report(0.95, "Drawing the truth")
    shown = np.concatenate([halves[1][: SHOWN // 2], halves[1][len(halves[1]) - SHOWN // 2 :]])
    return {
        "model": bench.entry.name,
        "version": bench.entry.version,
        "data": bench.entry.card.data["name"] if bench.entry.card else "",
        "direction": slug,
        "strength": f"smallest with {AIM:.0%} of the targets flipped" if slug else "1",
        "aim": AIM,
        "images": {"to find the strength": len(halves[0]), "judged": len(halves[1]), "split": "test"},
        "seed": request.seed,
        "attributes": {
            name: {"title": each.title, "kind": each.kind} for name, each in bench.attributes.items()
        },
        "classifier": {name: _quality_json(each) for name, each in bench.quality(request.seed).items()},
        "columns": [
            each.as_json() | {"leaks": leaks} for each, leaks in zip(measured, _leaks(measured), strict=True)
        ],
        "control": _control_json(random),
        "pictures": pictures_beside(bench, given, measured, slug, shown),
    }
