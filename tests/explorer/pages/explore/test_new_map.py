"""New maps: settings of the job, its map at the end, its failures."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest

from explorer.atlas.umap_maps import MapSettings, Request, fit_map, map_path
from explorer.pages.explore import new_map
from explorer.scene.engine import Engine
from tests.explorer.pages.conftest import Open


class Work:
    """A fake job that the test ends."""

    started: tuple[object, ...] = ()
    last: Work

    def __init__(self, function: object, request: Request, key: object) -> None:
        Work.started, Work.last = (function, request), self
        self.running, self.share, self.what = True, 0.25, "Laying out the map"
        self.result: dict[str, object] | None = None
        self.error: str | None = None

    def cancel(self) -> None:
        self.running, self.error = False, "Cancelled."


@pytest.fixture
def fitting(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with a running job."""
    monkeypatch.setattr(new_map, "start", Work)
    at = open_page()
    button(at, "New map").click().run()
    at.slider[0].set_value(12)
    button(at, "Fit").click()
    button(at, "New map").click().run()  # AppTest closes a dialog at each run: open it and choose at once
    assert not at.exception
    return at


def button(at: AppTest, label: str):
    return next(found for found in at.button if found.label == label)


def labels(at: AppTest) -> list[str]:
    return [found.label for found in at.button]


def test_the_settings_reach_the_job(fitting: AppTest) -> None:
    assert Work.started == (fit_map, Request("digits-vae", 12, 0.3, 42))
    assert (
        "Cancel" in labels(fitting) and button(fitting, "New map").disabled
    )  # it keeps its place in the row


def test_the_map_is_shown_when_it_is_ready(fitting: AppTest, pages_engine: Engine) -> None:
    loaded = pages_engine.open_sync("digits-vae")
    settings = MapSettings(12, 0.3, 42)
    path = map_path(loaded.entry, settings.view)
    path.parent.mkdir(parents=True)
    xy = np.random.default_rng(0).normal(size=(loaded.count, 2)).astype(np.float32)
    save_file({"xy": xy}, path, metadata={"title": settings.title})
    Work.last.running, Work.last.result = False, {"view": settings.view}
    fitting.run()
    assert not fitting.exception and not fitting.warning
    assert fitting.query_params["view"] in (settings.view, [settings.view])
    assert fitting.selectbox(key="view_kind").value == settings.view
    assert "New map" in labels(fitting)


def test_a_failure_is_reported_and_the_map_stays(fitting: AppTest) -> None:
    Work.last.running, Work.last.error = False, "out of paper"
    fitting.run()
    assert not fitting.exception
    assert fitting.toast[0].value == "No new map: out of paper"
    assert fitting.selectbox(key="view_kind").value == "umap"
    assert "New map" in labels(fitting)


def test_cancel(fitting: AppTest) -> None:
    button(fitting, "Cancel").click().run()
    fitting.run()
    assert not fitting.exception
    assert Work.last.error == "Cancelled." and "New map" in labels(fitting)


def test_a_map_that_was_deleted_meanwhile_is_reported(fitting: AppTest) -> None:
    Work.last.running, Work.last.result = False, {"view": "umap-0123abcd"}
    fitting.run()
    assert not fitting.exception
    assert "umap-0123abcd" in fitting.warning[0].value
    assert fitting.selectbox(key="view_kind").value == "umap"
