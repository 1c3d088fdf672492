"""Tests of fitted maps: settings, the cache, and the command that the explorer runs."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from explorer.atlas import umap_maps
from explorer.atlas.storage import load_atlas
from explorer.atlas.umap_maps import MapSettings, Request, fit_map, fit_umap, list_maps, load_map, map_path
from explorer.jobs.runner import start
from models import checkpoint
from models.card import ATLAS, Entry

ROOT = Path(__file__).resolve().parents[3]
VIEW = MapSettings(neighbours=5).view


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def entry(tiny_only: Path) -> Entry:
    """The tiny checkpoint, whose atlas has 200 images."""
    return checkpoint.read(tiny_only)


def keep(entry: Entry, view: str = VIEW, title: str | None = "A map", **arrays: np.ndarray) -> Path:
    path = map_path(entry, view)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays or {"xy": np.zeros((200, 2), np.float32)}, path, {"title": title} if title else None)
    return path


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"neighbours": 1}, r"`neighbours` must lie in \[2, 200\]. Got 1"),
        ({"neighbours": 201}, "`neighbours` must lie in"),
        ({"min_dist": -0.1}, r"`min_dist` must lie in \[0, 0.99\]. Got -0.1"),
        ({"min_dist": 1.0}, "`min_dist` must lie in"),
        ({"min_dist": float("nan")}, "`min_dist` must lie in .*Got nan"),
        ({"seed": -1}, r"`seed` must lie in \[0, 2\^31\). Got -1"),
        ({"seed": 2**31}, "`seed` must lie in"),
    ],
)
def test_settings_out_of_range_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MapSettings(**values)  # type: ignore[arg-type]


def test_other_settings_have_another_name_and_the_same_have_the_same() -> None:
    base = MapSettings()
    others = [replace(base, neighbours=16), replace(base, min_dist=0.2), replace(base, seed=1)]
    assert len({base.view, *(other.view for other in others)}) == 4
    assert base.view == MapSettings(15, 0.1, 42).view and umap_maps.VIEW.fullmatch(base.view)
    assert base.title == "UMAP, 15 neighbours, distance 0.1"


@pytest.mark.parametrize(
    "view", ["umap", "pca", "umap-../../x", "umap-1234567", "umap-1234567g", "UMAP-12345678", ""]
)
def test_only_names_of_fitted_maps_lead_to_files(view: str, entry: Entry) -> None:
    with pytest.raises(ValueError, match="`view` must be umap- and eight hexadecimal digits"):
        map_path(entry, view)


def test_a_cached_map_is_listed_and_read(entry: Entry, cache: Path) -> None:
    xy = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    path = keep(entry, title="Near", xy=xy)
    assert path.is_relative_to(cache)
    assert list_maps(entry) == {VIEW: "Near"}
    np.testing.assert_array_equal(load_map(entry, VIEW, load_atlas(entry).mean), xy)


def test_the_list_skips_maps_that_are_broken_or_of_other_weights(entry: Entry) -> None:
    keep(entry, title=None)
    folder = map_path(entry, VIEW).parent
    (folder / f"{entry.name}-{entry.version}-umap-00000000.safetensors").write_bytes(b"broken")
    (folder / f"{entry.name}-000000000000-{VIEW}.safetensors").write_bytes(b"of other weights")
    (folder / f"{entry.name}-{entry.version}-umap-x.safetensors").write_bytes(
        map_path(entry, VIEW).read_bytes()
    )
    assert list_maps(entry) == {VIEW: VIEW}  # a map without a title goes by its name


def test_a_title_is_kept_short(entry: Entry) -> None:
    keep(entry, title="x" * 500)
    assert list_maps(entry) == {VIEW: "x" * 80}


def test_without_a_cache_the_list_is_empty_and_a_map_says_so(entry: Entry) -> None:
    assert list_maps(entry) == {}
    with pytest.raises(ValueError, match=f"The map {VIEW} of tiny-vae is not on this machine. Fit it again"):
        load_map(entry, VIEW, load_atlas(entry).mean)


NAN = np.full((200, 2), np.nan, np.float32)
BROKEN: dict[str, tuple[Callable[[Entry], object], str]] = {
    "cut": (lambda e: keep(e).write_bytes(keep(e).read_bytes()[:50]), "cannot be read"),
    "empty": (lambda e: keep(e).write_bytes(b""), "cannot be read"),
    "other name": (lambda e: keep(e, yx=np.zeros((200, 2), np.float32)), "cannot be read"),
    "other count": (
        lambda e: keep(e, xy=np.zeros((199, 2), np.float32)),
        "does not fit the atlas of tiny-vae",
    ),
    "other shape": (lambda e: keep(e, xy=np.zeros((200, 3), np.float32)), "does not fit the atlas"),
    "doubles": (lambda e: keep(e, xy=np.zeros((200, 2))), "does not fit the atlas"),
    "NaN": (lambda e: keep(e, xy=NAN), "does not fit the atlas"),
    "too large": (
        lambda e: keep(e, xy=np.zeros((200, 2), np.float32), z=np.zeros(99999)),
        "is too large for 200",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_map_is_refused_with_its_reason(case: str, entry: Entry) -> None:
    make, message = BROKEN[case]
    make(entry)
    with pytest.raises(ValueError, match=f"{message}.*Delete it and fit the map again"):
        load_map(entry, VIEW, load_atlas(entry).mean)


def test_too_few_images_make_no_map() -> None:
    with pytest.raises(ValueError, match=r"A map must have at least 20 images. Got 19"):
        fit_umap(np.zeros((19, 4), np.float32), MapSettings())
    assert "umap" not in sys.modules


def test_the_job_reports_its_progress_and_stores_the_map(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(z: np.ndarray, settings: MapSettings, report: Callable[[float, str], None]) -> np.ndarray:
        assert settings == MapSettings(5, 0.25, 7)
        report(0.33, "Optimising the layout")
        return np.ascontiguousarray(z[:, :2])

    monkeypatch.setattr(umap_maps, "fit_umap", fit)
    settings = MapSettings(5, 0.25, 7)
    reports: list[tuple[float, str]] = []
    found = fit_map(Request(entry.name, 5, 0.25, 7), lambda *news: reports.append(news))
    assert reports == [(0.33, "Optimising the layout")] and found == {"view": settings.view}
    assert list_maps(entry) == {settings.view: settings.title}
    mean = load_atlas(entry).mean
    np.testing.assert_array_equal(load_map(entry, settings.view, mean), mean[:, :2])
    with pytest.raises(ValueError, match="does not fit the atlas of tiny-vae"):
        load_map(entry, settings.view, mean[::-1])  # other images, encoded by the same weights


def test_invalid_requests_are_errors(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    def fails(request: Request, text: str) -> None:
        with pytest.raises((ValueError, OSError), match=re.escape(text)):
            fit_map(request, lambda *_: None)

    fails(Request(str(copy_of_tiny), neighbours=1), "`neighbours` must lie in")
    fails(Request("nothing"), "Unknown checkpoint 'nothing'")
    monkeypatch.setattr(umap_maps, "fit_umap", lambda z, *rest: np.ascontiguousarray(z[:, :2]))
    cache.write_text("a file where the folder should be")
    fails(Request(str(copy_of_tiny)), "cache")
    (copy_of_tiny / ATLAS).unlink()
    fails(Request(str(copy_of_tiny)), "has no atlas.parquet yet")


@pytest.mark.parametrize("writable", [True, False])
def test_numba_has_a_writable_cache_folder(
    writable: bool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    umap_maps._choose_numba_cache()
    assert not os.environ["NUMBA_CACHE_DIR"]  # beside its own code
    allowed = os.access
    monkeypatch.setattr(
        umap_maps.os, "access", lambda path, *how: "site-packages" not in str(path) and allowed(path, *how)
    )
    if not writable:
        cache.write_text("a file where the folder should be")
    umap_maps._choose_numba_cache()
    chosen = Path(os.environ["NUMBA_CACHE_DIR"])
    assert chosen.is_dir() and (chosen == cache / "numba") == writable
    umap_maps._choose_numba_cache()
    assert Path(os.environ["NUMBA_CACHE_DIR"]) == chosen  # one that is named stays


@pytest.mark.slow
def test_a_real_map_of_200_images(entry: Entry, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a job; umap is compiled anew there."""
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    job = start(fit_map, Request(entry.name, neighbours=8))
    shares = [job.share]
    while job.running:
        shares.append(job.share)
        time.sleep(0.05)
    assert job.error is None
    assert shares == sorted(shares) and job.share == 1 and len(set(shares)) > 4
    view = MapSettings(neighbours=8).view
    assert job.result == {"view": view}
    atlas = load_atlas(entry)
    xy = load_map(entry, view, atlas.mean)
    np.testing.assert_allclose(xy.mean(0), 0, atol=1e-4)
    near = np.argsort(((xy[:, None] - xy) ** 2).sum(2), axis=1)[:, 1:9]
    far = ((atlas.mean[:, None] - atlas.mean) ** 2).sum(2)
    kept = np.take_along_axis(far, near, axis=1).mean()
    assert kept < 0.5 * far.mean()  # neighbours on the map are neighbours in latent space
