"""The Paths page: contents, address, waypoints, the geodesic's job, the grid, links."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.latent.geometry.corners import corner_grid
from explorer.latent.neighbours.exact import Neighbours
from explorer.pages.anatomy.charts import short
from explorer.pages.paths.panels import comparison_text, with_click
from explorer.pages.paths.url import Shown
from explorer.scene.engine import engine
from explorer.scene.geodesics import geodesics, off_data
from explorer.scene.loaded import Loaded
from explorer.scene.trajectories import measure, path_through
from tests.explorer.checkpoints import CODES, train_digits
from tests.explorer.pages.reading import address, components, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "paths" / "page.py"
MAIN = PAGE.parents[1] / "main.py"
Open = Callable[..., AppTest]


@pytest.fixture
def open_paths() -> Open:
    """Opens the page at an address."""

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(os.fspath(PAGE), default_timeout=90)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened


def model(name: str = "digits-vae") -> Loaded:
    return engine().open_sync(name)


def ways(at: AppTest) -> dict[str, Any]:
    (player,) = [values for values in components(at) if "ways" in values]
    return {way["kind"]: way for way in player["ways"]} | {"player": player}


def pixels(sheet: str) -> np.ndarray:
    raw = base64.b64decode(sheet.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(raw)))


def figure(at: AppTest, key: str) -> dict[str, Any]:
    import json

    charts = [element.proto for element in at.get("plotly_chart")]  # type: ignore[attr-defined]
    return next(found for found in (json.loads(chart.spec) for chart in charts) if key in str(found))


def test_it_opens_with_two_kinds_of_path_and_a_link_restores_them(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,70")
    assert warnings_shown(at) == ""
    found = ways(at)
    assert list(found) == ["straight", "great-circle", "player"] and found["player"]["count"] == 33
    loaded = model()
    codes = path_through("straight", loaded.atlas.mean[[3, 70]])[::2]
    expected = loaded.decoder(codes)[..., 0]
    shown = pixels(found["straight"]["sheet"]).reshape(33, 8, 8)
    assert np.abs(shown.astype(int) - expected.astype(int)).max() <= 1
    assert found["straight"]["stops"] == [0, 32] and found["player"]["names"] == ["A", "B"]
    assert found["straight"]["percentile"] == pytest.approx(
        loaded.neighbours.query(codes).percentile, abs=0.06
    )
    link = address(at)
    assert link == {
        "model": "digits-vae",
        "stops": "test-3,test-70",
        "shape": "path",
        "kinds": "straight,great-circle",
        "frames": "33",
    }
    again = open_paths(**link)
    assert ways(again) == found and address(again) == link


def test_waypoints_are_added_changed_removed_and_reversed(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,70", kinds="straight,smooth")
    at.button(key="pt_add").click().run()
    first, _, last = address(at)["stops"].split(",")
    assert (first, last) == ("test-3", "test-70") and ways(at)["player"]["names"] == ["A", "B", "C"]
    at.text_input(key="pt_stop_1").set_value("test 55").run()
    assert address(at)["stops"] == "test-3,test-55,test-70"
    assert 0 < ways(at)["smooth"]["stops"][1] < 32
    at.button(key="pt_reverse").click().run()
    assert address(at)["stops"] == "test-70,test-55,test-3"
    at.button(key="pt_stop_0_off").click().run()
    assert address(at)["stops"] == "test-55,test-3"
    at.text_input(key="pt_stop_1").set_value("test 4000").run()
    assert "There is no item test 4000" in warnings_shown(at) and address(at)["stops"] == "test-55,test-3"
    at.button(key="pt_stop_1_any").click().run()
    assert warnings_shown(at) == "" and address(at)["stops"].startswith("test-55,")


def test_controls_that_are_no_longer_rendered_are_ignored(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,70,8", frames="17")
    at.button(key="pt_stop_1_off").click()
    at.text_input(key="pt_stop_2").set_value("test 200").run()
    assert address(at)["stops"] == "test-3,test-8", "a name of the previous waypoints"
    at.segmented_control(key="pt_shape").set_value("grid")
    at.selectbox(key="pt_frames").set_value(65).run()
    assert address(at)["shape"] == "grid"
    at.segmented_control(key="pt_shape").set_value("path").run()
    assert address(at)["frames"] == "17"


def test_paths_use_the_same_renderer_as_the_points(open_paths: Open) -> None:
    traces = figure(open_paths(model="digits-vae", stops="3,70"), "%{text}<br>")["data"]
    assert {trace["type"] for trace in traces} == {"scattergl"}, "Plotly draws WebGL above everything else"


def test_without_a_kind_of_path_only_the_map_is_shown(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,70")
    state = at.session_state["lx_page_pt"]
    state.shown = type(state.shown)((3, 70), ())
    at.run()
    assert not at.exception and not [values for values in components(at) if "ways" in values]


def test_a_geodesic_is_computed_in_a_job_and_cached_per_waypoints(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,70", kinds="straight,geodesic", keep="1")
    assert list(ways(at)) == ["straight", "player"]
    at.session_state["pt_job"].wait(120)
    at.run()
    at.run()
    loaded, stops = model(), model().atlas.mean[[3, 70]]
    (codes,) = at.session_state["pt_geodesics"].values()
    assert codes.shape == (65, 8) and codes[[0, -1]] == pytest.approx(stops)
    geodesic, straight = measure(loaded, codes, 1), measure(loaded, path_through("straight", stops), 1)
    assert geodesic.penalised == pytest.approx(straight.penalised, rel=5e-3), (
        "so few epochs leave it almost flat"
    )
    said = " ".join(caption.value for caption in at.caption)
    assert f"length with penalty is {short(geodesic.penalised)}, about the straight path's " in said
    assert (
        f"{short(straight.penalised)}. Mean percentile of the distance to the data: {geodesic.percentile.mean():.0f}"
        in said
    )
    assert "there is no penalty" in said and "kept among" not in said
    assert ways(at)["geodesic"]["facts"][0] == (
        f"length {short(geodesic.length)} · with penalty {short(geodesic.penalised)}"
    )
    assert list(ways(at)) == ["straight", "geodesic", "player"]
    assert figure(at, "Geodesic")["data"] and address(at)["keep"] == "1"
    at.selectbox(key="pt_frames").set_value(9).run()
    assert ways(at)["player"]["count"] == 9 and at.session_state["pt_job"] is None, "it is not computed again"
    at.button(key="pt_reverse").click().run()
    job = at.session_state["pt_job"]
    job.cancel()
    job.wait(60)
    at.run()
    at.run()
    assert "No geodesic: Cancelled." in " ".join(caption.value for caption in at.caption)
    at.button(key="pt_find").click().run()
    assert at.session_state["pt_job"] is not None
    at.session_state["pt_job"].cancel()


def test_a_click_on_the_map_adds_its_image(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,70")
    points = figure(at, "%{text}<br>")["data"][0]
    assert points["type"] == "scattergl" and len(points["customdata"]) == 400
    shown = Shown((3, 70))

    def after(data: object, shown: Shown = shown) -> tuple[int, ...]:
        return with_click(model(), shown, {"selection": {"points": [{"customdata": data}]}})

    assert after(points["customdata"][12]) == (3, 12, 70)
    for bad in (None, [], ["x"], [True], [9999, ""], {"0": 4}):
        assert after(bad) == (3, 70)
    for event in (None, {}, {"selection": []}, {"selection": {"points": {}}}, {"selection": {"points": []}}):
        assert with_click(model(), shown, event) == (3, 70)
    assert after([5], Shown(tuple(range(8)))) == tuple(range(8))
    assert after([5], Shown((1, 2, 3, 4), shape="grid")) == (1, 2, 3, 4)


def test_four_corners_give_a_grid(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,70,8,9", shape="grid", by="great-circle", side="5")
    (grid,) = [values for values in components(at) if "sheet" in values]
    loaded = model()
    codes = corner_grid(loaded.atlas.mean[[3, 70, 8, 9]], 5, 5, "great-circle").reshape(25, -1)
    expected = loaded.decoder(codes)[..., 0]
    shown = pixels(grid["sheet"]).reshape(5, 8, 5, 8).swapaxes(1, 2).reshape(25, 8, 8)
    assert np.abs(shown.astype(int) - expected.astype(int)).max() <= 1 and grid["columns"] == 5
    assert address(at) == {
        "model": "digits-vae",
        "stops": "test-3,test-70,test-8,test-9",
        "shape": "grid",
        "by": "great-circle",
        "side": "5",
    }
    at = open_paths(model="digits-vae", stops="3,70", shape="grid")
    assert len(address(at)["stops"].split(",")) == 4 and address(at)["stops"].startswith("test-3,test-70,")


def test_uploads_can_be_waypoints(open_paths: Open) -> None:
    loaded = model()
    own = loaded.keep_own("Mine", np.zeros((8, 8, 1), np.uint8), loaded.atlas.mean[5] + np.float32(0.1))
    try:
        at = open_paths(model="digits-vae", stops=f"3,{own.item}")
        assert warnings_shown(at) == "" and address(at)["stops"] == f"test-3,{own.item}"
        loaded.drop_own(own.item)
        at.run()
        assert not at.exception and str(own.item) not in address(at)["stops"]
    finally:
        loaded.drop_own(own.item)


def test_invalid_parameters_are_reported_in_one_box(open_paths: Open) -> None:
    at = open_paths(model="digits-vae", stops="3,9000", kinds="![x](y)", frames="2", view="roof")
    said = warnings_shown(at)
    for part in ("It has no 9000", "`kinds` must be some of", "`frames` must be one of", "Unknown view"):
        assert part in said
    assert len(at.warning) == 1 and len(ways(at)) == 3


def test_another_checkpoint_replaces_one_with_discrete_codes(
    open_paths: Open, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_digits(tmp_path / "codes-only", latent=4, epochs=1, model="vq-vae", **CODES | {"prior_depth": 0})
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{tmp_path}")
    at = open_paths(model="codes-only")
    assert "has discrete codes" in warnings_shown(at) and address(at)["model"] == "digits-vae"
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    st.cache_data.clear()
    at = open_paths()
    assert not at.exception and "python -m models train vae --data digits" in at.info[0].value


def test_links_from_explore_and_back(shelf: Path) -> None:
    at = AppTest.from_file(os.fspath(MAIN), default_timeout=90)
    at.query_params["model"], at.query_params["a"], at.query_params["b"] = "digits-vae", "31", "77"
    at.run()
    at.switch_page("paths/page.py").run()
    assert address(at)["stops"] == "test-31,test-77", "the stage's own images"
    at.text_input(key="pt_stop_1").set_value("test 90").run()
    at.button(key="pt_explore").click().run()
    assert not at.exception
    link = address(at)
    assert link["a"].split(",")[0] == "test-31" and link["b"].split(",")[0] == "test-90"


def test_the_page_says_that_a_geodesic_is_shorter_but_no_nearer_to_the_data() -> None:
    """A known geometry: data around 0, where the decoder has a hill. The shortest path leads around it."""
    rng = np.random.default_rng(0)
    items = (rng.normal(size=(1500, 2)) * [1.0, 0.6]).astype(np.float32)
    distances = Neighbours(items).nearest(items, 11)[1][:, 10]

    def decode(z: torch.Tensor) -> torch.Tensor:
        hill = 3 * torch.exp(-z.square().sum(1) / 0.18)
        return torch.cat([z.flatten(1), hill[:, None]], dim=1).view(-1, 3, 1, 1)

    decoder = SimpleNamespace(
        device="cpu", model=SimpleNamespace(decode=decode, spec=SimpleNamespace(shape=(2,)))
    )
    world: Any = SimpleNamespace(
        decoder=decoder,
        neighbours=Neighbours(items, distances),
    )
    stops = np.array([[-1.0, 0.02], [1.0, 0.02]], np.float32)
    straight = measure(world, path_through("straight", stops), 10)
    found = geodesics(
        decode,
        torch.from_numpy(stops[:1]),
        torch.from_numpy(stops[1:]),
        rounds=200,
        weight=off_data(world.neighbours, 10),
    ).latents[0]
    geodesic = measure(world, found.numpy(), 10)
    assert straight.length > 5 and 2 < geodesic.length < 3, "over the hill, and round it"
    assert geodesic.length <= geodesic.penalised * (1 + 1e-9) < straight.penalised
    assert geodesic.percentile.mean() > straight.percentile.mean() + 5, (
        "the hill is where the data are densest"
    )
    said = comparison_text(10, geodesic, straight)
    gain = 100 * (1 - geodesic.penalised / straight.penalised)
    assert f"length with penalty is {short(geodesic.penalised)}, {gain:.0f} % less than the straight" in said
    assert f"data: {geodesic.percentile.mean():.0f}, straight {straight.percentile.mean():.0f};" in said
    assert "more than the straight path's" in comparison_text(10, straight, geodesic)
    assert "penalty" not in comparison_text(0, geodesic, straight)
