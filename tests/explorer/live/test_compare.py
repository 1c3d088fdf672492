"""The comparison connection on a running server: answers, and invalid messages."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from explorer.fields import DRIVES_AT_MOST
from explorer.latent.geometry.projections import place
from explorer.live import compare as compare_module
from explorer.live.compare import ITEMS_AT_MOST, Column, Move, Moved, Together, parse
from explorer.live.routes import REFUSED
from explorer.live.validation import WireError
from explorer.scene import comparison as comparison_module
from explorer.scene.comparison import Comparison, compare_models
from explorer.scene.engine import Engine
from explorer.scene.views import default_view, resolve
from tests.explorer.conftest import make_checkpoint
from tests.explorer.live.client import Client, close_code
from tests.explorer.live.map_points import read_points

THREE = ("tiny-vae", "flat-vae", "third-vae")
VIEWS = {"tiny-vae": "umap", "flat-vae": "raw", "third-vae": "umap"}


class CompareClient(Client):
    """A connection to `/live/compare` with models open."""

    def __init__(self, server: str, models: tuple[str, ...] = THREE, **options: Any) -> None:
        self._stack, self.originals = ExitStack(), []
        self.socket = self._stack.enter_context(connect(f"ws://{server}/live/compare", **options))
        if models:
            self.opened = self.ask(opening(models))


def opening(models: tuple[str, ...] = THREE) -> dict[str, Any]:
    pairs = [{"model": name, "view": VIEWS.get(name, "pca")} for name in models]
    return {"type": "open", "protocol": 1, "models": pairs}


def frame(seq: int = 0, item: int = 5, *drives: tuple[int, float, float]) -> dict[str, Any]:
    driven = [{"by": by, "x": x, "y": y} for by, x, y in drives]
    return {"type": "frame", "seq": seq, "item": item, "drives": driven}


@pytest.fixture(scope="session")
def third(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one more model of the digits, and one that calls its data by another name."""
    folder = tmp_path_factory.mktemp("more")
    make_checkpoint(folder / "third-vae", seed=5, latent=3)
    make_checkpoint(folder / "stranger-vae", seed=6)
    card = folder / "stranger-vae" / "card.json"
    card.write_text(card.read_text().replace('"digits"', '"mnist"'))
    return folder


@pytest.fixture(autouse=True)
def both(places: None, library: Path, third: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{library}{os.pathsep}{third}")


@pytest.fixture
def comparison(shared_engine: Engine, both: None) -> Comparison:
    models = [shared_engine.open_sync(name) for name in THREE]
    return compare_models(models, [resolve(model, default_view(model)) for model in models])


@pytest.fixture
def client(server: str) -> Iterator[CompareClient]:
    with CompareClient(server) as made:
        yield made


def near(found: np.ndarray, expected: np.ndarray) -> bool:
    """Alike but for the rounding of another batch."""
    return bool(np.abs(found.astype(int) - expected.astype(int)).max() <= 1)


def test_the_module_repeats_how_many_models_there_may_be() -> None:
    assert compare_module.MODELS == comparison_module.MODELS


# Answers


def test_opened_describes_the_models(client: CompareClient, comparison: Comparison) -> None:
    models = [
        {"model": model.name, "version": model.version, "view": view.id, "latent": model.latent}
        for model, view in zip(comparison.models, comparison.views, strict=True)
    ]
    assert client.opened == {
        "type": "opened",
        "protocol": 1,
        "models": models,
        "count": 300,
        "shape": [1, 8, 8],
    }


def test_without_drives_each_model_shows_its_own_reconstruction(
    client: CompareClient, comparison: Comparison
) -> None:
    answer = client.ask(frame(3, 41))
    assert (answer["seq"], answer["by"]) == (3, None)
    pictures = answer["pixels"][1:] if answer["original"] else answer["pixels"]
    for number, (model, told) in enumerate(zip(comparison.models, answer["models"], strict=True)):
        row = comparison.rows[number, 41]
        assert near(pictures[number], model.decoder(model.atlas.mean[row : row + 1])[0])
        assert (told["x"], told["y"]) == tuple(float(v) for v in comparison.positions(number)[41])
        assert told["nearest"] == 41
        assert 0 <= told["percentile"] <= 100


def test_the_others_encode_what_the_driver_decodes(client: CompareClient, comparison: Comparison) -> None:
    start = comparison.positions(0)[5]
    x, y = float(start[0]) + 0.4, float(start[1]) - 0.3
    answer = client.ask(frame(1, 5, (0, x, y)))
    assert answer["by"] == 0 and not answer["original"] and len(answer["pixels"]) == 3
    driver = comparison.models[0]
    z = place(comparison.views[0].projection, (x, y), start, driver.atlas.mean[comparison.rows[0, 5]])
    seen = driver.decoder(z[None])
    assert near(answer["pixels"][0], seen[0])
    assert answer["models"][0]["error"] is None
    assert (answer["models"][0]["x"], answer["models"][0]["y"]) == (np.float32(x), np.float32(y))
    shown = answer["pixels"][:1]
    for number in (1, 2):
        model, view, told = comparison.models[number], comparison.views[number], answer["models"][number]
        code = model.encoder(shown).mean
        assert near(answer["pixels"][number], model.decoder(code)[0])
        np.testing.assert_allclose((told["x"], told["y"]), view.projection.forward(code)[0], atol=1e-3)
        gap = (answer["pixels"][number].astype(float) - shown[0]) / 255
        assert told["error"] == pytest.approx((gap**2).mean(), rel=1e-3)
        index, _ = model.neighbours.nearest(code, 1)
        assert told["nearest"] == comparison.shared(number, int(index[0, 0]))


def test_a_handle_that_has_not_moved_shows_its_item(client: CompareClient, comparison: Comparison) -> None:
    for by in range(3):
        x, y = (float(v) for v in comparison.positions(by)[9])
        answer = client.ask(frame(by, 9, (by, x, y)))
        model, row = comparison.models[by], comparison.rows[by, 9]
        assert near(answer["pixels"][by], model.decoder(model.atlas.mean[row : row + 1])[0])


def test_dragging_a_follower_starts_from_its_picture(client: CompareClient) -> None:
    first = client.ask(frame(1, 5, (0, 0.7, -0.2)))
    follower = first["models"][2]
    second = client.ask(frame(2, 5, (0, 0.7, -0.2), (2, follower["x"], follower["y"])))
    assert second["by"] == 2
    assert near(second["pixels"][2], first["pixels"][2])
    moved = client.ask(frame(3, 5, (0, 0.7, -0.2), (2, follower["x"] + 1.5, follower["y"])))
    assert not near(moved["pixels"][2], first["pixels"][2])


def test_an_answer_does_not_depend_on_what_was_asked_before(server: str, client: CompareClient) -> None:
    chain = [(0, 0.7, -0.2), (2, 0.3, 0.9), (1, -0.5, 0.5)]
    for count in range(4):
        last = client.ask(frame(count, 7, *chain[:count]))
    with CompareClient(server) as other:
        fresh = other.ask(frame(9, 7, *chain))
    assert near(fresh["pixels"], last["pixels"])
    for one, again in zip(fresh["models"], last["models"], strict=True):
        assert one == pytest.approx(again, abs=1e-3)


def test_items_have_a_picture_per_model(client: CompareClient, comparison: Comparison) -> None:
    answer = client.ask({"type": "items", "seq": 4, "items": [5, 299], "source": "best"})
    assert (answer["models"], answer["items"], answer["names"]) == (3, [5, 299], ["test 5", "train 199"])
    assert answer["labels"][0]["Digit"] == str(comparison.models[0].atlas.attributes["digit"].values[5])
    at = 0
    for place_, (item, original) in enumerate(zip((5, 299), answer["originals"], strict=True)):
        at += bool(original)
        for number, model in enumerate(comparison.models):
            row = comparison.rows[number, item]
            assert near(answer["pixels"][at + number], model.decoder(model.atlas.mean[row : row + 1])[0]), (
                place_
            )
        at += 3
    assert at == len(answer["pixels"])


def test_originals_come_first_and_errors_are_against_them(
    client: CompareClient, comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = np.full((8, 8, 1), 200, np.uint8)
    monkeypatch.setattr(comparison.models[0].originals, "_images", np.stack([original] * 300))
    answer = client.ask(frame(1, 3))
    assert answer["original"] and len(answer["pixels"]) == 4
    np.testing.assert_array_equal(answer["pixels"][0], original)
    for number, told in enumerate(answer["models"]):
        gap = (answer["pixels"][1 + number].astype(float) - 200) / 255
        assert told["error"] == pytest.approx((gap**2).mean(), rel=1e-3)
    shown = client.ask({"type": "items", "seq": 2, "items": [3], "source": "best"})
    assert shown["originals"] == [True] and len(shown["pixels"]) == 4


def test_the_newest_frame_wins(client: CompareClient) -> None:
    for seq in range(60):
        client.send(frame(seq, 5, (0, 0.01 * seq, 0.0)))
    answers = [client.read()]
    while answers[-1]["seq"] != 59:
        answers.append(client.read())
    numbers = [answer["seq"] for answer in answers]
    assert numbers == sorted(numbers) and len(numbers) < 60


# Models that cannot stand side by side


@pytest.mark.parametrize(
    ("models", "code", "text"),
    [
        (("tiny-vae", "nowhere"), "unknown-model", "Unknown model 'nowhere'"),
        (("tiny-vae", "broken-vae"), "broken-model", "SHA-256"),
        (("tiny-vae", "tiny-vae"), "bad-message", "2 to 6 different ones"),
        (("tiny-vae", "stranger-vae"), "bad-message", "must have one data set"),
    ],
)
def test_incompatible_models_are_refused(server: str, models: tuple[str, ...], code: str, text: str) -> None:
    with CompareClient(server, ()) as client:
        answer = client.ask(opening(models))
        assert (answer["type"], answer["code"]) == ("error", code)
        assert text in answer["message"]
        assert client.ask(opening())["type"] == "opened"


def test_an_unknown_view_is_refused(server: str) -> None:
    message = opening()
    message["models"][1]["view"] = "dims-7-8"
    with CompareClient(server, ()) as client:
        assert client.ask(message)["code"] == "unknown-view"


def test_nothing_is_answered_before_models_are_open(server: str) -> None:
    with CompareClient(server, ()) as client:
        assert client.ask(frame(1))["code"] == "not-open"


def test_other_origins_are_refused(server: str) -> None:
    assert close_code(server, "/live/compare", "http://evil.example") == REFUSED


# Messages


def test_messages_are_read() -> None:
    assert parse(json.dumps(frame(1, 2, (0, 1, -2.5)))) == Moved(1, 2, (Move(0, 1.0, -2.5),))
    assert parse(json.dumps(opening(("a", "b")))) == Together(
        (Column("a", "pca"), Column("b", "pca")), protocol=1
    )


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({**opening(), "models": opening()["models"][:1]}, "`models` must be a list of 2 to 6"),
        ({**opening(), "models": opening()["models"] * 3}, "`models` must be a list of 2 to 6"),
        ({**opening(), "models": ["a", "b"]}, "`models[0]` must be an object with model and view"),
        (
            {**opening(), "models": [{"model": "../a", "view": "pca"}] * 2},
            "`models[0].model` must be the name",
        ),
        ({**opening(), "models": [{"model": "a", "view": "A B"}] * 2}, "`models[0].view` must be the id"),
        ({**opening(), "models": [{"model": "a"}] * 2}, "must have `view`"),
        ({**opening(), "protocol": 2}, "`protocol` must be 1"),
        ({**frame(), "more": 1}, "may only have"),
        ({**frame(), "item": -1}, "`item` must be a whole number"),
        ({**frame(), "item": 1.5}, "`item` must be a whole number"),
        ({**frame(), "drives": None}, "`drives` must be a list of at most 8 items"),
        (frame(0, 1, *[(0, 0.0, 0.0)] * (DRIVES_AT_MOST + 1)), "`drives` must be a list of at most 8"),
        (frame(0, 1, (6, 0.0, 0.0)), "`drives[0].by` must be a whole number in 0..5"),
        (frame(0, 1, (0, 1e7, 0.0)), "`drives[0].x` must be a number in"),
        ({**frame(), "drives": [5]}, "`drives[0]` must be an object with by, x and y"),
        (
            {"type": "items", "seq": 1, "items": [1] * (ITEMS_AT_MOST + 1), "source": "best"},
            "list of 1 to 16",
        ),
        ({"type": "items", "seq": 1, "items": [], "source": "best"}, "`items` must be a list"),
    ],
)
def test_bad_messages_name_what_is_wrong(message: dict[str, Any], text: str) -> None:
    with pytest.raises(WireError, match=re.escape(text)) as caught:
        parse(json.dumps(message))
    assert caught.value.code == "bad-message"
    assert caught.value.seq == message.get("seq")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (frame(1, 300), "`item` must be one of 0..299"),
        (frame(1, 3, (4, 0.0, 0.0)), "`by` must be one of 0..2"),
        (frame(1, 3, (4, 0.0, 0.0), (0, 0.0, 0.0)), "`by` must be one of 0..2"),
        ({"type": "items", "seq": 1, "items": [300], "source": "best"}, "`items` must lie in 0..299"),
    ],
)
def test_what_the_open_models_do_not_have_is_refused(
    client: CompareClient, message: dict[str, Any], text: str
) -> None:
    answer = client.ask(message)
    assert (answer["type"], answer["code"], answer["seq"]) == ("error", "bad-message", 1)
    assert text in answer["message"]
    assert client.ask(frame(2))["seq"] == 2


NUMBERS = st.one_of(st.integers(), st.floats(), st.none(), st.booleans(), st.text(max_size=5))
THINGS = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
WILD = st.dictionaries(
    st.sampled_from(["type", "seq", "item", "drives", "models", "items", "source", "protocol"]),
    st.one_of(THINGS, st.sampled_from(["frame", "open", "items", "ping", 1, "best"])),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(message=WILD)
def test_any_json_is_a_message_or_a_wire_error(message: dict[str, Any]) -> None:
    try:
        parse(json.dumps(message))
    except WireError as error:
        assert error.code in ("bad-message", "too-large")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.lists(st.binary(max_size=40) | WILD.map(json.dumps), min_size=1, max_size=6))
def test_any_bytes_leave_the_connection_usable_or_closed(garbage: list[str | bytes], server: str) -> None:
    with CompareClient(server, ()) as wild:
        for message in garbage:
            wild.socket.send(message)
        try:
            for _ in garbage:
                assert wild.read()["type"] in ("error", "pong")
        except ConnectionClosed:
            pytest.fail("It was closed for a few bad messages.")
        assert wild.ask(opening())["type"] == "opened"


def test_too_large_a_message_closes(server: str) -> None:
    with CompareClient(server, ()) as client:
        client.socket.send("x" * 20_000)
        assert client.read()["code"] == "too-large"
        with pytest.raises(ConnectionClosed):
            client.read()


# Arrays over HTTP


@pytest.fixture
def http(shared_engine: Engine) -> TestClient:
    from starlette.applications import Starlette

    from explorer.live.routes import routes

    return TestClient(Starlette(routes=routes()), base_url="http://localhost")


def test_positions_and_columns_are_of_the_shared_images(http: TestClient, comparison: Comparison) -> None:
    base = f"/live/compare/{','.join(THREE)}"
    for number, (name, view) in enumerate(zip(THREE, comparison.views, strict=True)):
        answer = http.get(f"{base}/view/{name}/{view.id}")
        assert answer.status_code == 200
        xy, _ = read_points(answer.content)
        np.testing.assert_array_equal(xy, comparison.positions(number))
        again = http.get(f"{base}/view/{name}/{view.id}", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    version = "-".join(model.version for model in comparison.models)
    column = http.get(f"{base}/attribute/digit?v={version}")
    digits = comparison.models[0].atlas.attributes["digit"].values[comparison.rows[0]]
    np.testing.assert_array_equal(read_points(column.content)[1], digits)
    assert "immutable" in column.headers["cache-control"]
    assert http.get(f"{base}/attribute/digit?v=old").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tiny-vae/view/tiny-vae/umap", 404),
        ("tiny-vae,flat-vae/view/third-vae/umap", 404),
        ("tiny-vae,flat-vae/view/tiny-vae/atlantis", 404),
        ("tiny-vae,flat-vae/view/tiny-vae/..%2F..", 404),
        ("tiny-vae,nowhere/attribute/digit", 404),
        ("tiny-vae,flat-vae/attribute/love", 404),
        ("tiny-vae,broken-vae/attribute/digit", 400),
        (",".join(["tiny-vae"] * 7) + "/attribute/digit", 404),
    ],
)
def test_unknown_urls(http: TestClient, path: str, status: int) -> None:
    answer = http.get(f"/live/compare/{path}")
    assert answer.status_code == status
    assert "Traceback" not in answer.text
