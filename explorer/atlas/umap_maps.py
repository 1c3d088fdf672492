"""UMAP maps of encoded images: fitted as a job, stored in the cache, read by name.

Importing umap takes over ten seconds, so only `fit_umap` does it.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from explorer.atlas.storage import load_atlas
from models.card import Entry
from models.checkpoint import read
from models.data.locations import cache_folder
from models.system.files import StorageError, make_folder, replace_file

__all__ = ["MapSettings", "Request", "fit_map", "fit_umap", "list_maps", "load_map", "map_path"]

Array = NDArray[np.float32]
Report = Callable[[float, str], None]

VIEW = re.compile(r"umap-([0-9a-f]{8})")
FEWEST = 20  # minimum number of images
HEADER_AT_MOST = 1 << 16  # bytes of a map file besides its positions


@dataclass(frozen=True)
class MapSettings:
    """The settings of a UMAP map."""

    neighbours: int = 15  # small: local detail; large: the overall shape
    min_dist: float = 0.1  # minimum distance between points
    seed: int = 42

    def __post_init__(self) -> None:
        if not 2 <= self.neighbours <= 200:
            raise ValueError(f"`neighbours` must lie in [2, 200]. Got {self.neighbours}.")
        if not 0 <= self.min_dist <= 0.99:
            raise ValueError(f"`min_dist` must lie in [0, 0.99]. Got {self.min_dist}.")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"`seed` must lie in [0, 2^31). Got {self.seed}.")

    @property
    def view(self) -> str:
        """The id of the view with these settings, e.g. "umap-1f0c22ab"."""
        text = f"{self.neighbours} {self.min_dist:.4f} {self.seed}"
        return "umap-" + hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def title(self) -> str:
        """Display title."""
        return f"UMAP, {self.neighbours} neighbours, distance {self.min_dist:g}"


@dataclass(frozen=True)
class Request:
    """The checkpoint and the settings of its map."""

    model: str  # name or folder
    neighbours: int = MapSettings.neighbours
    min_dist: float = MapSettings.min_dist
    seed: int = MapSettings.seed


def fit_umap(z: Array, settings: MapSettings, report: Report | None = None) -> Array:
    """Fits a UMAP map.

    Arguments:
        z: Latents, shape (N, D).
        settings: UMAP parameters.
        report: Called with the fraction done (0 to 1) and a status text.

    Returns:
        Map positions, shape (N, 2), centred.

    Raises:
        ValueError: If there are fewer than 20 images, or UMAP fails.

    References:
        | UMAP: Uniform Manifold Approximation and Projection (McInnes et al., 2018)
        | https://arxiv.org/abs/1802.03426
    """
    if len(z) < FEWEST:
        raise ValueError(f"A map must have at least {FEWEST} images. Got {len(z)}.")
    report = report or (lambda share, what: None)
    report(0.0, "Loading UMAP")
    _choose_numba_cache()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        report(0.15, "Finding neighbours")
        bar = {"file": _Bar(report), "bar_format": "{n_fmt}/{total_fmt}\n", "mininterval": 0.2}
        model = umap.UMAP(
            n_neighbors=min(settings.neighbours, len(z) - 1),
            min_dist=settings.min_dist,
            random_state=settings.seed,
            n_jobs=1,
            verbose=False,
            tqdm_kwds=bar,
        )
        model.tqdm_kwds = {**bar, "disable": False}
        xy = model.fit_transform(z)
    if not np.isfinite(xy).all():
        raise ValueError("UMAP returned positions that are not finite. Try more neighbours.")
    report(1.0, "Done")
    return np.asarray(xy - xy.mean(0), np.float32)


def _choose_numba_cache() -> None:
    """Sets a cache folder for numba if its default folders are not writable.

    By default numba caches beside umap's code or in the home directory; importing umap fails if neither is
    writable.
    """
    specs = [find_spec(name) for name in ("umap", "pynndescent")]
    beside = [Path(spec.origin).parent for spec in specs if spec and spec.origin]
    if os.environ.get("NUMBA_CACHE_DIR") or all(os.access(folder, os.W_OK) for folder in beside):
        return
    folder = cache_folder() / "numba"
    try:
        make_folder(folder)
        usable = os.access(folder, os.W_OK)
    except StorageError:
        usable = False
    if not usable:
        folder = Path(tempfile.mkdtemp(prefix="latent-numba-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


class _Bar:
    """A stream for tqdm that turns "120/500" into progress reports."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def write(self, text: str) -> None:
        match = re.search(r"(\d+)/(\d+)", text)
        if match and int(match[2]):
            self.report(0.3 + 0.69 * int(match[1]) / int(match[2]), "Optimising the layout")

    def flush(self) -> None:
        """Does nothing: `write` is unbuffered."""


def map_path(entry: Entry, view: str) -> Path:
    """The cache file of a checkpoint's map with this view id.

    Raises:
        ValueError: If `view` is not the id of a fitted map.
    """
    if not VIEW.fullmatch(view):
        raise ValueError(f"`view` must be umap- and eight hexadecimal digits. Got {view[:40]!r}.")
    return cache_folder() / "maps" / f"{entry.name}-{entry.version}-{view}.safetensors"


def load_map(entry: Entry, view: str, mean: Array) -> Array:
    """Loads a fitted map of latents (N, D), shape (N, 2).

    Raises:
        ValueError: If there is none, or it does not match the checkpoint's atlas.
    """
    count = len(mean)
    path = map_path(entry, view)
    if not path.is_file():
        raise ValueError(
            f"The map {view} of {entry.name} is not on this machine. Fit it again under “New map”."
        )
    try:
        if path.stat().st_size > 8 * count + HEADER_AT_MOST:
            raise ValueError(f"it is too large for {count} positions")
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
        xy = load_file(path)["xy"]
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error}). Delete it and fit the map again.") from error
    other = about.get("latents", "") not in ("", _digest(mean))  # an older file does not say
    if other or xy.shape != (count, 2) or xy.dtype != np.float32 or not np.isfinite(xy).all():
        raise ValueError(f"{path} does not fit the atlas of {entry.name}. Delete it and fit the map again.")
    return xy


def _digest(mean: Array) -> str:
    """A digest that distinguishes atlases encoded by the same weights."""
    return hashlib.sha256(np.ascontiguousarray(mean).tobytes()).hexdigest()[:16]


def list_maps(entry: Entry) -> dict[str, str]:
    """Fitted maps of a checkpoint: view id -> title."""
    titles = {}
    for path in sorted((cache_folder() / "maps").glob(f"{entry.name}-{entry.version}-umap-*.safetensors")):
        try:
            with safe_open(path, framework="np") as file:
                about = file.metadata() or {}
        except (SafetensorError, OSError):
            continue  # load_map reports the reason when the map is opened
        view = path.stem.removeprefix(f"{entry.name}-{entry.version}-")
        if VIEW.fullmatch(view):
            titles[view] = about.get("title", view)[:80]
    return titles


def fit_map(request: Request, report: Report) -> dict[str, Any]:
    """Fits a map of a checkpoint's atlas and stores it.

    Returns:
        `view`, the id of the map.

    Raises:
        ValueError: If the settings are out of range, or the checkpoint has no atlas of which a map can be
            made.
        StorageError: If the map cannot be stored.
    """
    settings = MapSettings(request.neighbours, request.min_dist, request.seed)
    entry = read(request.model)
    atlas = load_atlas(entry)
    path = map_path(entry, settings.view)
    make_folder(path.parent)  # so that a folder that is not writable fails before the work
    xy = fit_umap(atlas.mean, settings, report)
    packed = save({"xy": xy}, {"title": settings.title, "latents": _digest(atlas.mean)})
    replace_file(path, lambda temporary: temporary.write_bytes(packed))
    return {"view": settings.view}
