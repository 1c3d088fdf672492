"""The views of a model: resolves a view's id to a projection and map positions."""

from __future__ import annotations

import hashlib
import re

import numpy as np
from numpy.typing import NDArray

from explorer.atlas.umap_maps import load_map
from explorer.latent.geometry.projections import (
    STRIP_SEED,
    LinearProjection,
    ScatterProjection,
    jitter,
)
from explorer.latent.geometry.quantised import grid_of, on_grid
from explorer.latent.neighbours.map_trust import (
    NEIGHBOURS,
    compared_rows,
    nearest_others,
    neighbour_preservation,
    spread_over_map,
)
from explorer.scene.loaded import VIEWS_AT_MOST, Loaded
from explorer.scene.view import UnknownView, View

__all__ = ["default_view", "own_mark", "resolve", "trust_of"]

DIMENSIONS = re.compile(r"dims-(0|[1-9]\d{0,4})-(0|[1-9]\d{0,4})")
STRIPS = ("strip", "pca", "dims-0-1")  # views of a one-dimensional latent space
JITTER = f"Jitter, seed {STRIP_SEED}: no meaning"  # title of a strip's vertical axis
FITTED = re.compile(r"umap-[0-9a-f]{8}")


def default_view(loaded: Loaded) -> str:
    """The id of the view shown first."""
    if loaded.latent <= 2:
        return "raw" if loaded.latent == 2 else "strip"
    return "umap" if "umap" in loaded.atlas.maps else "pca"


def resolve(loaded: Loaded, view_id: str) -> View:
    """The view of this id, computed on first use; the last 16 are cached.

    Arguments:
        loaded: The model.
        view_id: "umap", "pca", "raw" (2-D latents), "strip" (1-D latents), "dims-I-J", "plane-SLUG--SLUG" or
            "umap-" and 8 hex digits.

    Raises:
        UnknownView: If the model has no such view; the message gives the reason.
    """
    view = _known(loaded, view_id)
    if view is not None:
        return view
    with loaded.making:  # concurrent requests share one computation
        view = _known(loaded, view_id)
        if view is not None:
            return view
        try:
            view = _rounded(_make(loaded, view_id))
        except UnknownView:
            raise
        except ValueError as error:
            raise UnknownView(
                f"The view {view_id[:80]!r} of {loaded.name} cannot be computed: {error}"
            ) from error
        with loaded.lock:
            loaded.views[view_id] = view
            while len(loaded.views) > VIEWS_AT_MOST:
                loaded.views.popitem(last=False)
    return view


def own_mark(loaded: Loaded, view_id: str) -> str:
    """A digest of the saved directions that a view uses; "" if it uses none."""
    names = (
        view_id.removeprefix("plane-").split("--")
        if view_id.startswith("plane-own-") or "--own-" in view_id
        else []
    )
    vectors = [loaded.directions[name].vector for name in names if name in loaded.directions]
    return hashlib.sha256(b"".join(v.tobytes() for v in vectors)).hexdigest()[:12] if vectors else ""


def trust_of(loaded: Loaded, view: View) -> NDArray[np.float32]:
    """The share of each item's neighbours in latent space that a map preserves, shape (N,), in [0, 1].

    Takes seconds for 10,000 items on first use. Of more than 20,000 items a sample is compared, see
    `explorer.latent.neighbours.map_trust`.
    """
    rows = compared_rows(loaded.count)
    with loaded.trust_lock:
        if loaded.near is None:
            loaded.near = nearest_others(loaded.atlas.mean[rows], min(NEIGHBOURS, loaded.count - 1))
        if view.trust is None:
            # Heights on a strip are noise and do not count as distance.
            xy = view.xy * np.array([1, 0], np.float32) if loaded.latent == 1 else view.xy
            view.trust = spread_over_map(neighbour_preservation(loaded.near, xy[rows]), rows, xy)
        return view.trust


def _known(loaded: Loaded, view_id: str) -> View | None:
    with loaded.lock:
        view = loaded.views.get(view_id)
        if view is not None:
            loaded.views.move_to_end(view_id)
        return view


def _make(loaded: Loaded, view_id: str) -> View:
    mean = loaded.atlas.mean
    if loaded.latent == 1 and view_id in STRIPS:
        return _strip(view_id, mean)
    if view_id == "pca":
        axes = ("Principal component 1", "Principal component 2")
        return _linear(view_id, LinearProjection.pca(mean), mean, axes)
    if view_id == "raw" and loaded.latent == 2:
        return _dimensions(view_id, mean, 0, 1)
    if view_id in loaded.atlas.maps:
        return _scatter(loaded, view_id, loaded.atlas.maps[view_id])
    if match := DIMENSIONS.fullmatch(view_id):
        return _dimensions(view_id, mean, int(match[1]), int(match[2]))
    if view_id.startswith("plane-"):
        return _plane(loaded, view_id)
    if FITTED.fullmatch(view_id):
        return _scatter(loaded, view_id, load_map(loaded.entry, view_id, mean))
    known = [*loaded.atlas.maps, "pca", *(["raw"] if loaded.latent == 2 else []), "dims-0-1"]
    known = ["strip", "pca"] if loaded.latent == 1 else known
    raise UnknownView(f"Unknown view {view_id[:80]!r} of {loaded.name}. Choose one of: {', '.join(known)}.")


def _rounded(view: View) -> View:
    """Rounds the positions of many points, so that they travel in 16 bits each and are the same everywhere."""
    view.grid = grid_of(view.xy)
    if view.grid is not None:
        view.xy = on_grid(view.xy, view.grid)
    return view


def _linear(
    view_id: str, projection: LinearProjection, mean: NDArray[np.float32], axes: tuple[str, str]
) -> View:
    return View(view_id, projection, projection.forward(mean), axes)


def _strip(view_id: str, mean: NDArray[np.float32]) -> View:
    """The map of a one-dimensional latent: its value to the right, jitter upwards."""
    projection = LinearProjection.pca(mean) if view_id == "pca" else LinearProjection.strip(mean)
    xy = projection.forward(mean)
    xy[:, 1] = jitter(xy[:, 0])
    across = "Principal component 1" if view_id == "pca" else "Dimension 0"
    return View(view_id, projection, xy, (across, JITTER))


def _dimensions(view_id: str, mean: NDArray[np.float32], i: int, j: int) -> View:
    axes = (f"Dimension {i}", f"Dimension {j}")
    return _linear(view_id, LinearProjection.dimensions(mean, i, j), mean, axes)


def _plane(loaded: Loaded, view_id: str) -> View:
    names = view_id.removeprefix("plane-").split("--")
    for name in names:
        if len(names) != 2 or name not in loaded.directions:
            some = ", ".join(list(loaded.directions)[:6]) or "none"
            raise UnknownView(
                f"A plane must name two directions of {loaded.name} (such as {some}), "
                f"as plane-ONE--OTHER. "
                f"Got {view_id[:80]!r}."
            )
    u, v = (loaded.directions[name] for name in names)
    projection = LinearProjection.plane(loaded.atlas.mean, u.vector, v.vector)
    return _linear(view_id, projection, loaded.atlas.mean, (u.title, v.title))


def _scatter(loaded: Loaded, view_id: str, xy: NDArray[np.float32]) -> View:
    projection = ScatterProjection.fit(xy, loaded.atlas.mean, neighbours=loaded.neighbours)
    return View(view_id, projection, projection.xy, ("", ""))
