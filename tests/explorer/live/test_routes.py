"""Tests of the HTTP routes, their caching, and who may ask."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer.latent.directions.mean_difference import Direction
from explorer.latent.neighbours.map_trust import nearest_others, neighbour_preservation
from explorer.live import routes as routes_module
from explorer.live.routes import preview_address, routes
from explorer.scene.engine import Engine
from explorer.scene.likelihood import density
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from tests.explorer.live.map_points import read_points


@pytest.fixture
def http(server: str, places: None) -> Iterator[httpx.Client]:
    """A client of the running server."""
    with httpx.Client(base_url=f"http://{server}", trust_env=False, timeout=20) as client:
        yield client


ATLAS = "/live/atlas/tiny-vae"


@pytest.mark.parametrize("view", ["umap", "pca", "dims-0-1", "plane-even--digit-3"])
def test_view_positions(view: str, http: httpx.Client, loaded: Loaded) -> None:
    answer = http.get(f"{ATLAS}/view/{view}")
    assert answer.status_code == 200
    xy, values = read_points(answer.content)
    np.testing.assert_array_equal(xy, resolve(loaded, view).xy)
    assert values is None


def test_positions_and_colours_come_in_one_answer(http: httpx.Client, loaded: Loaded) -> None:
    answer = http.get(f"{ATLAS}/view/umap?colour=ink&v={loaded.version}")
    xy, values = read_points(answer.content)
    np.testing.assert_array_equal(xy, resolve(loaded, "umap").xy)
    np.testing.assert_array_equal(values, loaded.atlas.attributes["ink"].values)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["etag"] != http.get(f"{ATLAS}/view/umap").headers["etag"]
    missing = http.get(f"{ATLAS}/view/umap?colour=wings")
    assert missing.status_code == 404 and "Unknown attribute 'wings'" in missing.text


@pytest.mark.parametrize("name", ["digit", "even", "ink"])
def test_attributes_are_columns(name: str, http: httpx.Client, loaded: Loaded) -> None:
    _, values = read_points(http.get(f"{ATLAS}/attribute/{name}").content)
    np.testing.assert_array_equal(values, loaded.atlas.attributes[name].values.astype(np.float32))


def test_scores_are_colours_too(http: httpx.Client, loaded: Loaded) -> None:
    for name, expected in (
        ("kl", loaded.atlas.scores["kl"]),
        ("neighbour_distance", loaded.atlas.neighbour_distance),
    ):
        _, values = read_points(http.get(f"{ATLAS}/attribute/{name}").content)
        np.testing.assert_array_equal(values, expected)


def test_cached_answers_are_not_sent_again(http: httpx.Client, loaded: Loaded) -> None:
    first = http.get(f"{ATLAS}/view/umap")
    assert first.headers["cache-control"] == "no-cache"
    again = http.get(f"{ATLAS}/view/umap", headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert http.get(f"{ATLAS}/view/pca").headers["etag"] != first.headers["etag"]
    fixed = http.get(f"{ATLAS}/view/umap?v={loaded.version}")
    assert "immutable" in fixed.headers["cache-control"]
    assert "immutable" not in http.get(f"{ATLAS}/view/umap?v=old").headers["cache-control"]


def test_preview_is_a_strip_kept_in_the_cache(
    http: httpx.Client, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = http.get(preview_address("tiny-vae", loaded.version))
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (48, 8)
    monkeypatch.setattr(routes_module, "_strip_png", lambda _: pytest.fail("made twice"))
    assert http.get(f"{ATLAS}/preview.png").content == answer.content


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/live/atlas/nobody/view/umap", 404, "Unknown model 'nobody'. Choose one of"),
        ("/live/atlas/%2e%2e/view/umap", 404, ""),
        ("/live/atlas/nobody/preview.png", 404, "Unknown model"),
        (f"{ATLAS}/view/raw", 404, "Unknown view 'raw'"),
        (f"{ATLAS}/view/%F0%9F%A6%8A", 404, "Unknown view"),
        (f"{ATLAS}/view/dims-0-0", 404, "two dimensions"),
        (
            f"{ATLAS}/attribute/wings",
            404,
            "Unknown attribute 'wings' of tiny-vae. Choose one of: digit",
        ),
        ("/live/atlas/broken-vae/view/umap", 400, "SHA-256"),
        ("/live/atlas/broken-vae/preview.png", 400, "SHA-256"),
    ],
)
def test_errors_are_plain_text(path: str, status: int, text: str, http: httpx.Client) -> None:
    answer = http.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert text in answer.text


def test_stage_script(http: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "stage.js"
    monkeypatch.setattr(routes_module, "BUNDLES", tmp_path)
    assert "npm run build" in http.get("/live/bundle/stage.js").text
    script.write_text("export {}")
    import hashlib

    version = hashlib.sha256(b"export {}").hexdigest()
    for asked in (version, version[:12]):
        answer = http.get(f"/live/bundle/stage.js?v={asked}")
        assert answer.text == "export {}"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]
    for asked in ("", "a", version[:4], "0" * 12):
        assert http.get(f"/live/bundle/stage.js?v={asked}").headers["cache-control"] == "no-cache"


def test_chunks_and_styles_are_cached_for_good_by_their_names(
    http: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_module, "BUNDLES", tmp_path)
    (tmp_path / "chunk-AB12CD34.js").write_text("export {}")
    (tmp_path / "styles-0123ABCD.css").write_text("a{}")
    (tmp_path / "notes.txt").write_text("no")
    for path, kind in (("chunk-AB12CD34.js", "javascript"), ("again-2/styles-0123ABCD.css", "css")):
        answer = http.get(f"/live/bundle/{path}")
        assert answer.status_code == 200 and f"text/{kind}" in answer.headers["content-type"]
        assert "immutable" in answer.headers["cache-control"]
    for path in ("notes.txt", "elsewhere/chunk-AB12CD34.js", "chunk-ab12cd34.js", "again-2/stage.py"):
        assert http.get(f"/live/bundle/{path}").status_code == 404


def test_other_origins_get_no_data(http: httpx.Client) -> None:
    assert http.get(f"{ATLAS}/view/umap", headers={"Origin": "http://evil.example"}).status_code == 403
    assert http.get("/live/bundle/stage.js", headers={"Origin": "http://evil.example"}).status_code == 200


def asked(loaded: Loaded, **changes: object) -> str:
    """A frame of both handles and the way between them, as the page sends it."""
    xy = resolve(loaded, "pca").xy
    handles = {
        name: {"item": item, "x": float(xy[item, 0]), "y": float(xy[item, 1]), "sliders": {}}
        for name, item in (("A", 3), ("B", 8))
    }
    strip = {"frames": 5, "path": "straight"}
    frame = {"type": "frame", "seq": 0, "want": ["A", "B", "strip"], "handles": handles, "strip": strip}
    return json.dumps(frame | changes)


def test_likelihoods_are_those_of_the_pictures(http: httpx.Client, flow: Loaded) -> None:
    found = http.get("/live/atlas/tiny-flow/likelihood/pca", params={"frame": asked(flow)})
    assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
    answer = found.json()
    pictures = flow.decoder(flow.atlas.mean[[3, 8]])
    for name, picture in zip("AB", pictures, strict=True):
        assert answer[name] == pytest.approx(density(flow, picture).total, rel=1e-3)
    assert len(answer["strip"]) == 5
    assert (answer["strip"][0], answer["strip"][4]) == (answer["A"], answer["B"])


def test_unavailable_likelihoods_say_why(http: httpx.Client, flow: Loaded, loaded: Loaded) -> None:
    def told(model: str, view: str, frame: str) -> tuple[int, str]:
        answer = http.get(f"/live/atlas/{model}/likelihood/{view}", params={"frame": frame})
        return answer.status_code, answer.text

    assert told("tiny-vae", "pca", asked(loaded)) == (400, "tiny-vae has no exact log p(x). Choose a flow.")
    assert told("gone", "pca", asked(flow))[0] == told("tiny-flow", "gone", asked(flow))[0] == 404
    for frame, why in (
        ("", "JSON"),
        ('{"type": "ping", "seq": 1}', 'type "frame"'),
        (asked(flow, level=3), "0 to 2"),
    ):
        status, text = told("tiny-flow", "pca", frame)
        assert status == 400 and why in text


def test_trust_is_the_share_of_preserved_neighbours(http: httpx.Client, loaded: Loaded) -> None:
    answer = http.get(f"{ATLAS}/trust/pca", params={"v": loaded.version})
    _, share = read_points(answer.content)
    near = nearest_others(loaded.atlas.mean, 15)
    np.testing.assert_allclose(share, neighbour_preservation(near, resolve(loaded, "pca").xy), atol=1e-6)
    assert "immutable" in answer.headers["cache-control"]


def test_a_map_of_a_saved_direction_is_revalidated(
    http: httpx.Client, loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path))
    vector = np.arange(loaded.latent, dtype=np.float32)
    try:
        tags = []
        for sign in (1, 1, -1):  # kept anew, the second time with the same vector
            loaded.keep_direction(Direction(sign * vector, "own-mine", "Mine", "Yours", 5, 5, "own"))
            answer = http.get(f"{ATLAS}/view/plane-even--own-mine", params={"v": loaded.version})
            assert answer.headers["cache-control"] == "no-cache"
            tags.append(answer.headers["etag"])
        assert tags[0] == tags[1] != tags[2]
    finally:
        loaded.drop_direction("own-mine")


def test_the_routes_can_be_served_below_a_path(shared_engine: Engine) -> None:
    with TestClient(Starlette(routes=routes("/teams/faces/")), base_url="http://localhost") as client:
        assert client.get("/teams/faces/live/bundle/stage.js").status_code == 200
        assert client.get(f"/teams/faces/{preview_address('tiny-vae', '')}").status_code == 200
        assert client.get("/live/bundle/stage.js").status_code == 404
        with client.websocket_connect("/teams/faces/live/socket") as socket:
            socket.send_text('{"type": "ping", "seq": 3}')
            assert socket.receive_json()["seq"] == 3


def test_slider_tracks_are_measured_from_a_frame(http: httpx.Client, loaded: Loaded) -> None:
    answer = http.get(f"{ATLAS}/along/pca", params={"frame": asked(loaded, want=["A"])})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    found = answer.json()
    assert found["directions"].keys() == loaded.directions.keys()
    for each in found["directions"].values():
        assert len(each["off"]) == len(found["steps"])
        assert each["low"] < each["high"] and each["position"].keys() == each["rank"].keys() == {"A"}
    assert http.get(f"{ATLAS}/along/pca", params={"frame": "{}"}).status_code == 400
    assert http.get(f"{ATLAS}/along/gone", params={"frame": asked(loaded)}).status_code == 404


def test_a_picture_of_the_strip_becomes_a_handle(http: httpx.Client, loaded: Loaded) -> None:
    def told(index: str) -> httpx.Response:
        return http.get(f"{ATLAS}/between/pca", params={"frame": asked(loaded), "index": index})

    first = told("0").json()
    assert (first["item"], first["distance"]) == (3, 0.0)
    assert told("2").json().keys() == {"item", "x", "y", "sliders", "distance"}
    for wrong in ("5", "-1", "x", "", "1e1"):
        assert told(wrong).status_code == 400 and "`index` must be" in told(wrong).text
