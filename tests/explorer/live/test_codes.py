"""The code-grid connection and its arrays: valid and invalid messages, and frames against direct calls of the model."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.latent.geometry.grids import as_text, from_text
from explorer.live.codes import Painted, parse
from explorer.live.messages import Open
from explorer.live.validation import WireError
from explorer.scene.codebook import codebooks, grids_of, latents, looks
from explorer.scene.loaded import Loaded
from tests.explorer.live.client import Client
from tests.explorer.live.test_messages import change

FRAME: dict[str, Any] = {
    "type": "frame",
    "seq": 7,
    "codes": "AAAA",
    "a": "AAAB",
    "b": "AAAC",
    "t": 0.25,
    "frames": 5,
    "probe": [0, 3],
    "want": ["step", "picture"],
}
SHAPES = [(2, 2), (4, 4)]


def grid_client(server: str, **options: Any) -> Client:
    return Client(server, "dims-0-1", **{"model": "two-codes", "route": "/live/codes", **options})


def frame(model: Loaded, *want: str, **changes: Any) -> dict[str, Any]:
    """A frame of image 3 painted, on the way from it to image 8."""
    a, b = (as_text(grids_of(model, item)) for item in (3, 8))
    return {**FRAME, "codes": a, "a": a, "b": b, "want": list(want), "probe": None, **changes}


def decoded(model: Loaded, *texts: str) -> np.ndarray:
    return model.decoder(latents(model, [from_text(text, SHAPES, 16) for text in texts]))


def test_good_messages() -> None:
    assert parse(json.dumps(FRAME)) == Painted(
        7, "AAAA", "AAAB", "AAAC", 0.25, 5, (0, 3), ("picture", "step")
    )
    opening = {"type": "open", "protocol": 1, "model": "two-codes", "view": "dims-0-1"}
    assert parse(json.dumps(opening)) == Open("two-codes", "dims-0-1", protocol=1)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("codes", 7, "`codes` must be codes of at most 1500 cells"),
        ("a", "A" * 4001, "`a` must be codes of at most"),
        ("b", None, "frame must have `b`"),
        ("t", 1.5, "`t` must be a number"),
        ("t", -0.1, "`t` must be a number in 0..1"),
        ("t", True, "`t` must be a number"),
        ("frames", 4, "`frames` must be a whole number in 5..15"),
        ("probe", [0], "`probe` must be a level and a cell"),
        ("probe", [0, 1.5], "`probe[1]` must be a whole number"),
        ("probe", [9, 0], "`probe[0]` must be a whole number in 0..7"),
        ("want", [], "`want` must be a list"),
        ("want", ["picture", "picture"], "must not repeat a name"),
        ("want", ["input"], "`want[0]` must be one of"),
        ("item", 3, "frame may only have"),
    ],
)
def test_bad_frames_are_refused_with_their_number(path: str, value: Any, text: str) -> None:
    with pytest.raises(WireError) as caught:
        parse(change(FRAME, path, value))
    assert text in caught.value.message and caught.value.seq == 7
    assert len(caught.value.message) < 300


def test_reach_needs_a_cell() -> None:
    with pytest.raises(WireError, match="`probe` must be a level and a cell if `reach` is requested"):
        parse(json.dumps({**FRAME, "probe": None, "want": ["reach"]}))


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: st.dictionaries(st.sampled_from([*FRAME, "x"]), inner, max_size=7),
            max_leaves=8,
        ).map(json.dumps),
    )
)
def test_any_bytes_give_a_message_or_an_error(data: str | bytes) -> None:
    try:
        parse(data)
    except WireError as error:
        assert error.code in {"bad-message", "too-large"}


def test_a_frame_shows_the_painted_codes_and_both_images(server: str, two: Loaded) -> None:
    grids = grids_of(two, 3)
    grids[1] = grids[1].copy()
    grids[1][0] = (grids[1][0] + 5) % 16
    painted = as_text(grids)
    asked = frame(two, "b", "picture", "a", codes=painted)
    with grid_client(server) as client:
        answer = client.ask(asked)
    assert answer["pictures"] == ["picture", "a", "b"] and answer["seq"] == 7
    assert answer["step"] is None and answer["strip"] == []
    expected = decoded(two, painted, asked["a"], asked["b"])
    assert np.abs(answer["pixels"].astype(int) - expected.astype(int)).max() <= 1
    assert not np.array_equal(answer["pixels"][0], answer["pixels"][1])


def test_the_path_is_quantised_at_each_step(server: str, two: Loaded) -> None:
    asked = frame(two, "step", "strip", t=0.4)
    with grid_client(server) as client:
        answer = client.ask(asked)
        ends = [client.ask(frame(two, "step", t=t))["step"] for t in (0, 1)]
    assert answer["pictures"] == ["step", "S0", "S1", "S2", "S3", "S4"] and len(answer["strip"]) == 5
    assert [answer["strip"][0], answer["strip"][-1]] == [asked["a"], asked["b"]] == ends
    books = codebooks(two)
    a, b = grids_of(two, 3), grids_of(two, 8)
    step = from_text(answer["step"], SHAPES, 16)
    for book, own, start, end in zip(books, step, a, b, strict=True):
        between = 0.6 * book.vectors[start] + 0.4 * book.vectors[end]
        distance = ((between[:, :, None] - book.vectors) ** 2).sum(-1)
        np.testing.assert_allclose(
            np.take_along_axis(distance, own[..., None], 2)[..., 0], distance.min(-1), atol=1e-5
        )
    shown = decoded(two, answer["step"], *answer["strip"])
    assert np.abs(answer["pixels"].astype(int) - shown.astype(int)).max() <= 1


def test_reach_is_brightest_where_the_code_governs(server: str, two: Loaded) -> None:
    with grid_client(server) as client:
        corners = [
            client.ask(frame(two, "reach", probe=[1, place]))["pixels"][0, ..., 0] for place in (0, 15)
        ]
    for reach, (y, x) in zip(corners, ((slice(0, 4), slice(0, 4)), (slice(4, 8), slice(4, 8))), strict=True):
        assert reach[y, x].max() == 255
        assert reach[y, x].sum() > 0.6 * reach.sum(), "the pixels around the place"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"codes": "AAAA"}, "`codes` must be 54 characters for 20 places"),
        ({"b": "_" * 54}, "`b` must hold codes of 0..15"),
        ({"probe": [2, 0], "want": ["reach"]}, "`probe` must be a cell of one of 2 levels"),
        ({"probe": [0, 4], "want": ["reach"]}, "`probe` must be a cell"),
    ],
)
def test_requests_that_the_model_does_not_support_are_reported(
    changes: dict[str, Any], text: str, server: str, two: Loaded
) -> None:
    with grid_client(server) as client:
        answer = client.ask({**frame(two, "picture"), **changes})
        assert (answer["type"], answer["code"], answer["seq"]) == ("error", "bad-message", 7)
        assert text in answer["message"]
        assert client.ask({"type": "ping", "seq": 8})["type"] == "pong", "the connection stays"


def test_a_model_without_codes_is_refused(server: str, loaded: Loaded) -> None:
    with grid_client(server, model="tiny-vae") as client:
        answer = client.ask({**FRAME, "want": ["picture"]})
    assert answer["code"] == "bad-message" and "tiny-vae has no discrete codes" in answer["message"]


def test_the_newest_frame_wins(server: str, two: Loaded) -> None:
    with grid_client(server) as client:
        for seq in range(200):
            client.send(frame(two, "step", seq=seq, t=seq / 200))
        seen = []
        while not seen or seen[-1] < 199:
            seen.append(client.read()["seq"])
    assert seen == sorted(seen) and len(seen) < 200


def fetched(server: str, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://{server}{path}") as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_codebooks_come_once_over_http(server: str, two: Loaded) -> None:
    for level, book in enumerate(codebooks(two)):
        status, raw = fetched(server, f"/live/atlas/two-codes/codes/{level}?v={two.version}")
        table = np.frombuffer(raw, "<f4").reshape(-1, 3)
        assert status == 200
        np.testing.assert_array_equal(table, np.column_stack([book.xy, book.uses]).astype(np.float32))
        status, raw = fetched(server, f"/live/atlas/two-codes/codes/{level}/looks")
        assert status == 200 and raw == looks(two, level).tobytes()
    for path, code, said in (
        ("two-codes/codes/2", 404, b"Unknown level"),
        ("two-codes/codes/x/looks", 404, b"Unknown level"),
        ("tiny-vae/codes/0", 400, b"no discrete codes"),
        ("nobody/codes/0", 404, b"Unknown model"),
    ):
        status, raw = fetched(server, f"/live/atlas/{path}")
        assert status == code and said in raw, path
