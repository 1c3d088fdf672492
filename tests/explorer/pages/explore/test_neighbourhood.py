"""Tests of a handle's neighbours on Explore, against brute force in latent space and by pixels."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.latent.neighbours.map_trust import NEIGHBOURS
from explorer.latent.neighbours.metric import metric_of
from explorer.pages.explore import neighbourhood
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from tests.explorer.pages.conftest import Open

SHOWN = neighbourhood.SHOWN


@pytest.fixture
def loaded(pages_engine: Engine) -> Loaded:
    return pages_engine.open_sync("digits-vae")


def opened(open_page: Open, of: str, **params: str) -> AppTest:
    """The page with the popover open, once the originals are loaded."""
    at = open_page(model="digits-vae", **params)
    at.session_state["near-open"] = True
    at.session_state["near-of"] = of
    return at.run()


def ready(loaded: Loaded) -> None:
    loaded.originals.start()  # as the stage's socket does
    deadline = time.monotonic() + 120
    while loaded.originals.state != "ready":
        assert time.monotonic() < deadline, (loaded.originals.state, loaded.originals.reason)
        time.sleep(0.05)


def selected(at: AppTest, key: str) -> tuple[int, ...]:
    at.button(key=key).click().run()
    items: tuple[int, ...] = at.session_state["selection"][1]
    return items


def test_neighbours_are_those_of_the_chosen_handle(open_page: Open, loaded: Loaded) -> None:
    ready(loaded)
    at = opened(open_page, "B", view="pca", a="3", b="40")
    mean = loaded.atlas.mean
    metric = metric_of(mean, loaded.atlas.std)
    near = np.argsort(np.linalg.norm((mean - mean[40]) * metric, axis=1))[:SHOWN]
    assert selected(at, "near-z-B") == tuple(sorted(near.tolist()))
    picture = loaded.decoder(mean[[40]])[0].astype(float)
    images = np.stack(loaded.originals.get(range(loaded.count))).astype(float)
    errors = np.square((images - picture) / 255).mean((1, 2, 3))
    close = np.argsort(errors)[:SHOWN]
    assert selected(at, "near-x-B") == tuple(sorted(close.tolist()))
    said = " ".join(each.value for each in at.caption)
    assert f"{len(set(near) & set(close))} of {SHOWN} are in both" in said and not at.exception
    assert f"Exact search of all {loaded.count} images." in said


def test_trust_in_the_map_is_compared_with_the_mean(open_page: Open, loaded: Loaded) -> None:
    mean, xy = loaded.atlas.mean, resolve(loaded, "pca").xy
    near, on_map = (
        [
            set(np.argsort(np.linalg.norm(each - each[row], axis=1))[1 : NEIGHBOURS + 1])
            for row in range(len(each))
        ]
        for each in (mean, xy)
    )
    kept = np.array([len(a & b) / NEIGHBOURS for a, b in zip(near, on_map, strict=True)])
    for row, word in ((kept.argmax(), "better than"), (kept.argmin(), "worse than")):
        at = opened(open_page, "A", view="pca", a=str(row))
        told = next(each.value for each in at.markdown if "Trust in the map here" in each.value)
        here, whole = map(int, re.findall(r"(\d+) %", told))
        assert here == pytest.approx(100 * kept[row], abs=8)  # equal distances may be taken in another order
        assert whole == pytest.approx(100 * kept.mean(), abs=1)
        assert word in told


def test_a_missing_original_has_no_error(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(loaded)
    images = loaded.originals.get(range(loaded.count))
    gone = {1, 300, loaded.count - 1}
    monkeypatch.setattr(
        loaded.originals, "get", lambda rows: [None if row in gone else images[row] for row in rows]
    )
    picture = np.full(images[0].shape, 51, np.uint8)  # type: ignore[union-attr]
    found = neighbourhood._pixel_errors(loaded, picture)
    assert set(np.flatnonzero(np.isnan(found))) == gone
    for row in (0, 2, 255, 256, 301):
        error = np.square(images[row].astype(float) / 255 - 0.2).mean()  # type: ignore[union-attr]
        assert found[row] == pytest.approx(error, rel=1e-5)
