"""The Outliers page: default score, threshold, gallery, a costly score, and uploads."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from explorer.catalogue.outlier_scores import SCORES
from explorer.jobs.outlier_scores import digest_of_atlas, read_scores, scores_path
from explorer.pages.outliers import (
    charts as outliers_charts,
)
from explorer.pages.outliers import (
    ranking,
    uploads,
)
from explorer.pages.outliers.ranking import apply_threshold
from explorer.pages.outliers.url import Shown
from explorer.pages.shared import navigation
from explorer.scene.engine import engine
from explorer.sharing.exports import picture_png
from models.data import load_data
from tests.explorer.pages.reading import address, html, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "outliers" / "page.py"
NAME = "digits-vae"
COUNT = 400  # images of its atlas


def opened(**params: str) -> AppTest:
    at = AppTest.from_file(str(PAGE), default_timeout=60)
    for name, value in ({"model": NAME} | params).items():
        at.query_params[name] = value
    return at.run()


def text(at: AppTest) -> str:
    """All text of the page, without Markdown escapes."""
    assert not at.exception, at.exception[0].value
    parts = [*at.caption, *at.markdown, *at.info, *at.success, *at.warning]
    return " ".join(str(part.value) for part in parts).replace("\\", "")


def charts(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.spec) for each in at.get("plotly_chart")]  # type: ignore[attr-defined]


def numbers(values: Any) -> NDArray[Any]:
    """An array in Plotly's encoding."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.array(values)


def total(histogram: dict[str, Any]) -> int:
    return sum(int(numbers(bar["y"]).sum()) for bar in histogram["data"])


def test_it_opens_with_a_computed_score(place: None) -> None:
    at = opened()
    assert "KL to the prior." in text(at) and "8 of 400** images (2 %) lie at or above" in text(at)
    assert address(at) == {"model": NAME, "score": "kl", "share": "2"}
    assert html(at).count('alt="Reconstruction"') == 8
    histogram, outlier_map, two = charts(at)
    assert total(histogram) == COUNT
    outliers = next(trace for trace in outlier_map["data"] if trace["name"] == "Outlier")
    atlas = engine().open_sync(NAME).atlas
    assert sorted(numbers(outliers["customdata"]).tolist()) == sorted(
        np.argsort(-atlas.scores["kl"])[:8].tolist()
    )
    assert len(two["data"]) == 2 and warnings_shown(at) == ""


def test_the_threshold_is_typed_dragged_and_linked(place: None) -> None:
    at = opened(score="neighbour_distance", share="10")
    values = engine().open_sync(NAME).atlas.neighbour_distance.astype(float)
    assert "40 of 400** images (10 %)" in text(at)
    cut = at.number_input(key="ol_value").value
    assert (values >= cut).sum() == pytest.approx(40, abs=1)
    at.number_input(key="ol_share").set_value(5.0).run()
    count = int((values >= np.sort(values)[-20]).sum())  # with those that are as far as the twentieth
    assert f"{count} of 400** images" in text(at) and 20 <= count < 23 and address(at)["share"] == "5"
    half = float(np.median(values))
    at.slider(key="ol_drag").set_value(half).run()
    count = int((values >= float(address(at)["cut"])).sum())
    assert f"{count} of 400** images" in text(at) and 180 < count < 220 and "share" not in address(at)
    at.number_input(key="ol_value").set_value(1e6).run()
    assert "0 of 400** images" in text(at) and not html(at).count('alt="Reconstruction"')


def test_controls_of_the_previous_score_are_ignored(place: None) -> None:
    at = opened(score="kl", share="10")
    at.selectbox(key="ol_score").set_value("neighbour_distance")
    at.number_input(key="ol_value").set_value(1.25)
    at.selectbox(key="ol_sort").set_value("error").run()
    link = address(at)
    assert link["score"] == "neighbour_distance" and "cut" not in link and "sort" not in link
    assert "40 of 400** images (10 %)" in text(at)


def test_pages_and_orders_of_the_gallery(place: None) -> None:
    at = opened(score="kl", share="10", page="2")
    assert "Page 2 of 4" in text(at)
    at.button(key="ol_after").click().run()
    assert "Page 3 of 4" in text(at) and address(at)["page"] == "3"
    at.selectbox(key="ol_sort").set_value("error").run()
    assert address(at)["sort"] == "error" and "Page 1 of 4" in text(at)
    atlas = engine().open_sync(NAME).atlas
    outliers = np.argsort(-atlas.scores["kl"], kind="stable")[:40]
    worst = outliers[np.argsort(-atlas.scores["error"][outliers], kind="stable")[0]]
    first = html(at).split('class="lxo-said">')[1]
    assert atlas.names.name(int(worst)) in first


def test_invalid_parameters_are_reported(place: None) -> None:
    at = opened(score="beauty", share="0", page="-1", cut="nan")
    for part in (
        "`score` must be one of: kl,",
        "`share` must be a number in 0.01..100",
        "`page` must be",
        "`cut` must be a number",
    ):
        assert part in warnings_shown(at)
    assert address(at)["score"] == "kl"


def test_a_costly_score_is_computed_stored_and_shown(place: None) -> None:
    at = opened(score="reconstruction")
    assert "Not computed yet" in text(at) and not charts(at)
    at.number_input(key=f"ol_count_{NAME}_reconstruction_0").set_value(70).run()
    at.button(key="ol_compute").click().run()
    job = at.session_state["ol_job"]
    job.wait(60)
    at.run()
    assert "70 of 400 images have this score." in text(at)
    loaded = engine().open_sync(NAME)
    rows, values = read_scores(
        scores_path(loaded.entry, "reconstruction", digest_of_atlas(loaded.atlas)), COUNT
    )
    assert len(rows) == 70 and np.isfinite(values).all()
    histogram = charts(at)[0]
    assert total(histogram) == 70
    assert "lie at or below" in text(at)


def test_a_score_that_fails_says_why(place: None, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(score="elbo")
    monkeypatch.setenv("LATENT_CACHE_DIR", "/proc/nowhere")
    at.button(key="ol_compute").click().run()
    at.session_state["ol_job"].wait(60)
    at.run()
    assert "Not computed: " in text(at)


def test_outliers_become_a_group_and_a_table(place: None) -> None:
    at = opened(score="error", share="3")
    at.text_input(key="ol_group").set_value("Blurred ones").run()
    at.button(key="ol_save").click().run()
    assert "12 images are saved as the group “Blurred ones”." in text(at)
    loaded = engine().open_sync(NAME)
    group = loaded.groups["blurred-ones"]
    assert set(group.items) == set(np.argsort(-loaded.atlas.scores["error"])[:12].tolist())
    assert "Reconstruction error ≥" in group.note
    rows = np.array(group.items)
    values = {"error": loaded.atlas.scores["error"].astype(float), "elbo": np.full(COUNT, np.nan)}
    table = ranking.columns(loaded, rows, values)
    assert list(table) == ["item", "split", "id", "row", "error", "digit", "even", "ink"]
    assert table["item"][0] == loaded.name_of(int(rows[0]))
    assert table["digit"][0] == str(loaded.atlas.attributes["digit"].values[rows[0]])
    loaded.drop_group("blurred-ones")


def test_an_image_has_links_to_explore_and_anatomy(place: None, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[tuple[str, str, dict[str, str]]] = []
    monkeypatch.setattr(navigation, "go", lambda title, name, **asked: gone.append((title, name, asked)))
    at = opened(score="kl")
    item = int(engine().open_sync(NAME).atlas.scores["kl"].argmax())
    at.button(key=f"ol_explore_{item}").click().run()
    at.button(key=f"ol_inside_{item}").click().run()
    assert gone == [("Explore", NAME, {"a": str(item)}), ("Anatomy", NAME, {"item": str(item)})]


def test_uploads_are_compared_with_the_collection(place: None) -> None:
    at = opened(score="kl")
    digits = load_data("digits", "test", limit=2).images
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 1)).astype(np.uint8)
    files = [
        ("one.png", picture_png(digits[0]), "image/png"),
        ("noise.png", picture_png(noise), "image/png"),
        ("letter.txt", b"no picture", "text/plain"),
    ]
    at.file_uploader(key="ol_files").set_value(files).run()
    said = html(at).replace("<br>", " ")
    assert "noise" in said and "more of an outlier than" in said and "of 300 held-out images" in said
    assert "letter.txt: The file is not a supported picture" in warnings_shown(at)
    mine = next(trace for trace in charts(at)[1]["data"] if trace["name"] == "Uploaded")
    assert sorted(mine["text"]) == ["noise", "one"]
    at.selectbox(key="ol_score").set_value("elbo").run()
    at.button(key="ol_score_mine").click().run()
    at.session_state["ol_job"].wait(60)
    at.run()
    said = html(at)
    first, second = (said.index(f"<b>{name}</b>") for name in ("noise", "one"))
    assert first < second and "nats" in said[first:]


def test_an_extreme_upload_leaves_the_charts_readable(place: None) -> None:
    loaded = engine().open_sync(NAME)
    score = SCORES["kl"]
    known = loaded.atlas.scores["kl"].astype(np.float64)
    codes = np.stack([loaded.atlas.mean[0], np.full(loaded.latent, 1e8, np.float32)])
    pictures = np.zeros((2, 8, 8, 1), np.uint8)
    assert loaded.atlas.std is not None
    std = np.repeat(loaded.atlas.std[:1], 2, axis=0)
    mine = uploads.Uploads(["near", "far"], pictures, [], codes, std, pictures)
    values = uploads.scores_of(loaded, score, mine)
    assert values[1] > 1e16
    found = apply_threshold(known, score, Shown("kl"))
    assert found is not None
    figure = outliers_charts.histogram(known, found.outliers, found.cut, score, values)
    low, high = figure.layout.xaxis.range
    assert high - low < 2.1 * np.ptp(known), "the collection keeps half of the axis"
    far = next(trace for trace in figure.data if trace.name == "Uploaded, far beyond the axis")
    assert list(far.x) == [pytest.approx(known.max() + np.ptp(known))] and far.customdata[0] == values[1]
    said = uploads._caption("far", values[1], score, known, found)
    assert "far beyond the collection" in said and "× 10¹⁶ nats" in said and "000" not in said
    table = uploads.table(loaded, mine, score, known, found)
    assert table["picture"] == ["near", "far"] and table["kl"] == values.tolist()
    assert table["kl_percentile"][1] == 100 and table["odd"][1] is True
    assert {"error", "neighbour_distance"} <= set(table)
    xy = np.random.default_rng(0).normal(size=(loaded.count, 2)).astype(np.float32)
    off = np.array([[0, 0], [1e16, np.nan]], np.float32)
    everywhere = found.outlier_mask(loaded.count)
    chart = outliers_charts.outlier_map(xy, everywhere, ~everywhere, [""] * loaded.count, off, mine.titles)
    edge = next(trace for trace in chart.data if trace.name == "Uploaded, far off the map")
    assert list(edge.text) == ["far"] and edge.x[0] < 2 * xy[:, 0].max() and np.isfinite(edge.y[0])


def test_a_zip_of_pictures_is_accepted(place: None) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"some/p{number}.png", picture_png(np.full((9, 9, 3), 40 * number, np.uint8)))
    at = opened(score="error")
    at.file_uploader(key="ol_files").set_value(("all.zip", packed.getvalue(), "application/zip")).run()
    assert all(f"<b>p{number}</b>" in html(at) for number in range(3)) and warnings_shown(at) == ""


def test_residuals_are_shown_if_originals_are_available(place: None) -> None:
    loaded = engine().open_sync(NAME)
    loaded.originals.start()
    for _ in range(600):
        if loaded.originals.state not in ("unasked", "loading"):
            break
        time.sleep(0.1)
    at = opened(score="kl")
    assert loaded.originals.state == "ready"
    assert html(at).count('alt="Residual"') == html(at).count('alt="Input"') == 8
