"""Compares the inverse projection of a UMAP map with umap-learn's `inverse_transform`, on held-out images of an atlas.

    python -m benchmarks.inverse [--model faces-vae] [--held-out 500] [--seed 1]

Random images of the atlas are held out. A UMAP map is fitted to the latents of the others, with the explorer's own
settings, and projects the held-out ones (`transform`). Every inverse gets these positions and knows only the other
images. Its latent is decoded, and the picture compared with the image and with the image's own reconstruction (mean
squared error per pixel, in [0, 1]). Timed are all held-out points in one call, and a single point, both after a first
call that compiles. Exits with status 1 if a bar is missed. Takes a few minutes, most of them in umap-learn.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.atlas.storage import Atlas, load_atlas
from explorer.atlas.umap_maps import MapSettings
from explorer.latent.geometry.projections import ScatterProjection
from explorer.latent.neighbours.exact import Neighbours
from explorer.scene.originals import collect
from models import checkpoint
from models.base import Autoencoder
from models.card import Card
from models.data.tensors import to_tensor

__all__ = ["Held", "hold_out", "main", "measure"]

Array = NDArray[np.float32]
Inverse = Callable[[Array], Array]

FASTER = 1000  # the bar: speed-up over umap-learn per point in a batch
KERNEL = 30  # items in the kernel mean baseline
MAP_PIXELS = 800  # longer side of the map on the screen, for simulated drags
DRAGS = 100
BATCH = 128


@dataclass(frozen=True, eq=False)
class Held:
    """A map of some items, and the positions of the held-out ones on it."""

    model: Autoencoder
    z: Array  # (N, D), latents of the items on the map
    xy: Array  # (N, 2)
    places: Array  # (M, 2), of the held-out images
    latents: Array  # (M, D)
    images: torch.Tensor  # (M, C, H, W) in [0, 1]
    umap: Any  # the fitted umap.UMAP


@dataclass(frozen=True, eq=False)
class Row:
    """Measurements of one inverse."""

    name: str
    error: NDArray[np.float64]  # (M,), against the images
    own: NDArray[np.float64]  # (M,), against their reconstructions
    batch: float  # seconds per point, all in one call
    single: float  # seconds for a single point


def hold_out(model: Autoencoder, atlas: Atlas, card: Card, count: int, seed: int) -> Held:
    """Holds out `count` images, maps the others, and projects the held-out ones."""
    rng = np.random.default_rng(seed)
    held = np.sort(rng.permutation(len(atlas))[:count])
    rest = np.setdiff1d(np.arange(len(atlas)), held)
    settings = MapSettings()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        fitted = umap.UMAP(
            n_neighbors=settings.neighbours, min_dist=settings.min_dist, random_state=settings.seed, n_jobs=1
        )
        xy = fitted.fit_transform(atlas.mean[rest])
        places = fitted.transform(atlas.mean[held])
    images = to_tensor(collect(card.data, atlas.ids[held], [atlas.split[row] for row in held]))
    return Held(model, atlas.mean[rest], xy, places, atlas.mean[held], images, fitted)


def measure(name: str, inverse: Inverse, held: Held, repeats: int) -> Row:
    """Errors and times of one inverse; times are the median of `repeats`."""
    inverse(held.places[:2])
    latents = inverse(held.places)
    pictures = _decode(held.model, latents)
    own = _decode(held.model, held.latents)

    def seconds(places: Array) -> float:
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            inverse(places)
            times.append(time.perf_counter() - start)
        return float(np.median(times))

    batch = seconds(held.places) / len(held.places)
    return Row(name, _error(pictures, held.images), _error(pictures, own), batch, seconds(held.places[:1]))


def kernel_mean(held: Held, k: int = KERNEL) -> Inverse:
    """The baseline: mean of the `k` nearest items, weighted (1 - (d/h)^2)^2, h the distance of the next one."""
    from scipy.spatial import cKDTree

    tree = cKDTree(held.xy)

    def inverse(places: Array) -> Array:
        distance, index = tree.query(places, k + 1)
        weights = (1 - (distance[:, :-1] / distance[:, -1:]) ** 2) ** 2
        weights /= weights.sum(1, keepdims=True)
        return np.asarray(np.einsum("mk,mkd->md", weights.astype(np.float32), held.z[index[:, :-1]]))

    return inverse


def drag_steps(inverse: Inverse, xy: Array, seed: int) -> NDArray[np.float64]:
    """How far the latent moves per half pixel of drags between random pairs of items."""
    rng = np.random.default_rng(seed)
    step = 0.5 * float(np.ptp(xy, axis=0).max()) / MAP_PIXELS
    moved = []
    for a, b in xy[rng.integers(0, len(xy), (DRAGS, 2))]:
        t = np.linspace(0, 1, int(np.linalg.norm(b - a) / step) + 2)
        moved.append(np.linalg.norm(np.diff(inverse(a + (b - a) * t[:, None]), axis=0), axis=1))
    return np.concatenate(moved)


def _decode(model: Autoencoder, latents: Array) -> torch.Tensor:
    with torch.inference_mode():
        z = torch.from_numpy(np.asarray(latents, np.float32))
        return torch.cat([model.decode(z[first : first + BATCH]) for first in range(0, len(z), BATCH)])


def _error(pictures: torch.Tensor, others: torch.Tensor) -> NDArray[np.float64]:
    return (pictures - others).square().mean((1, 2, 3)).double().numpy()


def _table(rows: list[Row]) -> str:
    lines = [f"{'':26}{'error':>10}{'to own':>10}{'µs/point':>14}{'one, ms':>12}"]
    for row in rows:
        lines.append(
            f"{row.name:26}{row.error.mean():10.5f}{row.own.mean():10.5f}"
            f"{1e6 * row.batch:14,.2f}{1e3 * row.single:12,.3f}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Prints errors and times of all inverses, and the two bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inverse", description=__doc__)
    parser.add_argument("--model", default="faces-vae", help="name or folder of a checkpoint with an atlas")
    parser.add_argument("--held-out", type=int, default=500, help="images held out")
    parser.add_argument("--seed", type=int, default=1, help="which images")
    options = parser.parse_args(arguments)
    try:
        entry = checkpoint.read(options.model)
        atlas = load_atlas(entry)
        if entry.card is None or atlas.mean.shape[1] == 2:
            raise ValueError(f"{entry.name} has no UMAP map: its latent is the plane itself. Choose another.")
        if not 2 <= options.held_out <= len(atlas) // 2:
            raise ValueError(f"`--held-out` must lie in [2, {len(atlas) // 2}]. Got {options.held_out}.")
        held = hold_out(checkpoint.load(entry.path), atlas, entry.card, options.held_out, options.seed)
    except ValueError as error:
        print(f"python -m benchmarks.inverse: {error}", file=sys.stderr)
        return 2

    neighbours = Neighbours(held.z)
    start = time.perf_counter()
    projection = ScatterProjection.fit(held.xy, held.z, neighbours=neighbours)
    fit = time.perf_counter() - start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = measure("umap inverse_transform", held.umap.inverse_transform, held, 1)
    ours = measure("field (ours)", projection.inverse, held, 101)
    floor = _error(_decode(held.model, held.latents), held.images).mean()
    steps = drag_steps(projection.inverse, held.xy, options.seed)

    print(
        f"{entry.name} {entry.version}: {len(held.z):,} items on the map, {len(held.latents)} held out, seed {options.seed}"
    )
    print(_table([measure(f"kernel mean of {KERNEL}", kernel_mean(held), held, 11), theirs, ours]))
    print(f"own latent, decoded       {floor:10.5f}")
    rows, columns, size = projection.nodes.shape
    print(f"fit of {columns} x {rows} nodes in {size} dimensions: {fit:.2f} s")
    print(f"drag, latent change per half pixel: median {np.median(steps):.4f}, most {steps.max():.4f}")
    gap = ours.error - theirs.error
    share = ours.error.mean() / theirs.error.mean()
    spread = gap.std() / np.sqrt(len(gap)) / theirs.error.mean()
    times = theirs.batch / ours.batch
    print(
        f"error: {100 * share:.1f} % of umap-learn's, standard error {100 * spread:.1f} (bar: at most 100 %)"
    )
    print(
        f"speed: {times:,.0f} times in a batch, {theirs.single / ours.single:,.0f} times for one (bar: {FASTER:,})"
    )
    return 0 if share <= 1 and times >= FASTER else 1


if __name__ == "__main__":
    sys.exit(main())
