"""Paths through stops: latents, pictures, lengths, profile, and their place on a map."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.latent.geometry.splines import knots
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.scene.trajectories import KINDS, at_stops, measure, on_map, path_through
from explorer.scene.views import resolve
from tests.explorer.checkpoints import train_digits


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = tmp_path_factory.mktemp("ways")
    train_digits(folder / "digits-vae", epochs=3)
    engine = Engine(torch.device("cpu"), workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CHECKPOINT_DIR", str(folder))
        found = engine.open_sync("digits-vae")
    engine.close()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_passes_every_waypoint_in_order(loaded: Loaded, kind: str) -> None:
    stops = loaded.atlas.mean[[3, 70, 200, 9]]
    codes = path_through(kind, stops)
    assert codes.shape == (65, 8)
    assert np.array_equal(codes[[0, -1]], stops[[0, -1]])
    at = at_stops(codes, stops)
    expected = 64 * knots(stops, 0.5 if kind == "smooth" else 1.0)
    assert at[0] == 0 and at[-1] == 64 and at == pytest.approx(expected, abs=1.5)
    # A great circle passes a code's place again where it turns back; on the way it is near.
    assert (
        np.linalg.norm(codes[at] - stops, axis=1).max()
        < 0.2 * np.linalg.norm(np.diff(stops, axis=0), axis=1).min()
    )


def test_an_unknown_kind_is_reported() -> None:
    with pytest.raises(ValueError, match="`kind` must be one of: straight, great-circle, smooth"):
        path_through("sideways", np.zeros((2, 3), np.float32))


def test_stops_that_come_again_are_found_in_order() -> None:
    there_and_back = np.abs(np.linspace(-1, 1, 21))[:, None].astype(np.float32)
    assert at_stops(there_and_back, np.array([[1], [0], [1]], np.float32)) == [0, 10, 20]
    still = np.zeros((5, 2), np.float32)
    assert at_stops(still, still[:4]) == [0, 1, 2, 4]


def test_what_is_measured_is_that_of_the_decoders_pictures(loaded: Loaded) -> None:
    codes = path_through("straight", loaded.atlas.mean[[3, 70]])
    found = measure(loaded, codes)
    with torch.inference_mode():
        x = loaded.decoder.model.decode(torch.from_numpy(codes)).numpy().astype(np.float64)
    steps = np.sqrt((np.diff(x, axis=0) ** 2).sum((1, 2, 3)))
    assert found.length == pytest.approx(steps.sum(), rel=1e-5)
    assert found.penalised == pytest.approx(found.length, rel=1e-6), "no penalty"
    far = measure(loaded, 20 * codes, 10)
    assert far.penalised > 1.5 * far.length and far.beyond > 0.9, "off the data"
    direct = loaded.decoder(codes)
    assert np.abs(found.pictures.astype(int) - direct.astype(int)).max() <= 1
    assert found.percentile == pytest.approx(loaded.neighbours.query(codes).percentile)


@pytest.mark.parametrize("view_id", ["umap", "pca"])
def test_on_the_map_a_path_starts_and_ends_at_its_images(loaded: Loaded, view_id: str) -> None:
    view = resolve(loaded, view_id)
    items = [3, 70, 200]
    codes = path_through("smooth", loaded.atlas.mean[items])
    at = at_stops(codes, loaded.atlas.mean[items])
    xy = on_map(view, codes, at, view.xy[items])
    assert xy[at] == pytest.approx(view.xy[items], abs=1e-4)
    if view.linear:
        plain = view.projection.forward(codes)
        assert np.abs(xy - plain).max() < 0.05 * np.ptp(plain)
