"""Links and edits from a browser: what is right survives the way there and back, what is wrong is told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.workspace import stage_edit
from explorer.workspace.stage_edit import Edit, Handle

DIRECTIONS = {"smile": None, "hair-blond": None, "glasses": None}
COUNT = 50
PLACES = np.random.default_rng(0).normal(0, 9, (COUNT, 2)).astype(np.float32)
DEFAULT = Edit(Handle(3, *map(float, PLACES[3])), Handle(7, *map(float, PLACES[7])))

places = st.floats(-1e6, 1e6).map(lambda v: round(v, 6))
sliders = st.dictionaries(
    st.sampled_from(sorted(DIRECTIONS)), st.floats(-5, 5).map(lambda v: round(v, 6)).filter(bool)
)
handles = st.builds(Handle, st.integers(0, COUNT - 1), places, places, sliders)
edits = st.builds(
    Edit,
    handles,
    handles,
    st.sampled_from(stage_edit.TARGETS),
    st.sampled_from(stage_edit.PATHS),
    st.sampled_from(stage_edit.FRAMES),
    st.sampled_from(stage_edit.RESIDUALS),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["A", "B", "item", "x", "y", "sliders", "frames", "smile"]), inner)
    ),
    max_leaves=12,
)


def read(params: dict[str, str]) -> tuple[Edit, list[str]]:
    return stage_edit.edit_from_query(params, DEFAULT, PLACES, DIRECTIONS)


@given(edits)
def test_an_address_gives_the_same_edit_again(edit: Edit) -> None:
    assert read(stage_edit.query(edit, DEFAULT)) == (edit, [])


@given(edits)
def test_json_gives_the_same_edit_again(edit: Edit) -> None:
    values = json.loads(json.dumps(edit.as_json()))
    assert stage_edit.edit_from_json(values, DEFAULT, COUNT, DIRECTIONS) == edit


@given(anything)
def test_any_json_is_an_edit_within_the_rules_or_a_value_error(values: object) -> None:
    try:
        edit = stage_edit.edit_from_json(values, DEFAULT, COUNT, DIRECTIONS)
    except ValueError:
        return
    for handle in (edit.A, edit.B):
        assert 0 <= handle.item < COUNT
        assert abs(handle.x) <= 1e6 and abs(handle.y) <= 1e6
        assert all(slug in DIRECTIONS and abs(s) <= 5 for slug, s in handle.sliders.items())
    assert edit.frames in stage_edit.FRAMES


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "a_with", "b_with", "frames", "path", "residual", "target"]), st.text()
    )
)
def test_any_address_gives_an_edit_and_a_sentence_for_what_does_not_hold(params: dict[str, str]) -> None:
    edit, problems = read(params)
    assert stage_edit.edit_from_json(edit.as_json(), DEFAULT, COUNT, DIRECTIONS) == edit
    assert len(problems) <= len(params)
    if not problems and params.keys() <= {"frames", "path"}:
        assert all(
            str(getattr(edit, name)) == text.lstrip("0") or text.strip("0") == ""
            for name, text in params.items()
        )


def test_a_wrong_part_of_an_address_leaves_the_rest() -> None:
    edit, problems = read(
        {
            "a": "12,1.5,-2",
            "a_with": "smile:0.5,glasses:-1",
            "b": "oops",
            "b_with": "beard:1",
            "frames": "99",
            "path": "great-circle",
            "residual": "melt",
        }
    )
    assert edit == replace(
        DEFAULT, A=Handle(12, 1.5, -2.0, {"smile": 0.5, "glasses": -1.0}), path="great-circle"
    )
    assert len(problems) == 4
    for problem, names in zip(
        problems,
        (["`b`", "'oops'"], ["'beard'", "smile"], ["`residual`", "'melt'"], ["`frames`", "99"]),
        strict=True,
    ):
        assert all(name in problem for name in names), problem


def test_an_item_alone_stands_on_its_place() -> None:
    edit, problems = read({"a": "21"})
    assert (edit.A.x, edit.A.y) == tuple(map(float, PLACES[21])) and not problems


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"a": "50,0,0"}, "item from 0 to 49. Got 50"),
        ({"a": "50"}, "item from 0 to 49. Got 50"),
        ({"a": "-1,0,0"}, "an item and its position"),
        ({"a": "1,nan,0"}, "`a` must be a number"),
        ({"a": "1,0,inf"}, "`a` must be a number"),
        ({"a": "1,0,1e7"}, "`A.y` must be a number in -1e+06..1e+06"),
        ({"a": "1,0"}, "an item and its position"),
        ({"a_with": "smile:9"}, "`A.sliders.smile` must be a number in -5..5"),
        ({"a_with": "smile"}, "smile:0.5,glasses:-1"),
        ({"a_with": ",".join(f"s{i}:1" for i in range(65))}, "at most 64"),
        ({"frames": "4"}, "`frames` must be one of: 0, 5"),
        ({"frames": "nine"}, "Got 'nine'"),
        ({"target": "C"}, "`target` must be one of: both, A, B"),
    ],
)
def test_what_an_address_must_not_say(params: dict[str, str], said: str) -> None:
    edit, problems = read(params)
    assert edit == DEFAULT
    assert len(problems) == 1 and said in problems[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"A": {"item": True}}, "`A.item` must be a whole number"),
        ({"A": {"item": 1.0}}, "`A.item` must be a whole number"),
        ({"A": {"x": "1"}}, "`A.x` must be a number"),
        ({"B": {"y": float("nan")}}, "`B.y` must be a number"),
        ({"B": 7}, "`B` must be an object"),
        ({"A": {"sliders": [1]}}, "`A.sliders` must be an object"),
        ({"A": {"sliders": {"beard": 1}}}, "Unknown direction 'beard'"),
        ({"frames": 9.0}, "`frames` must be one of"),
        ({"frames": True}, "`frames` must be one of"),
        ({"path": ["straight"]}, "`path` must be one of"),
    ],
)
def test_what_a_browser_must_not_send(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        stage_edit.edit_from_json(change, DEFAULT, COUNT, DIRECTIONS)
    with pytest.raises(ValueError, match="must be an object"):
        stage_edit.edit_from_json([change], DEFAULT, COUNT, DIRECTIONS)


def test_an_address_leaves_out_what_is_usual_but_never_the_handles() -> None:
    assert set(stage_edit.query(DEFAULT, DEFAULT)) == {"a", "b"}
    moved = replace(DEFAULT, A=Handle(1, -0.0000001, 123456.78, {"smile": 0.0, "glasses": 2.5}), frames=0)
    assert stage_edit.query(moved, DEFAULT) | {"b": ""} == {
        "a": "1,0,123456.78",
        "b": "",
        "a_with": "glasses:2.5",
        "frames": "0",
    }


def test_rounding_does_not_move_a_handle_off_its_item() -> None:
    """Places have seven digits, an address has six decimals; an unmoved handle must stay exactly unmoved."""
    there, _ = read(stage_edit.query(DEFAULT, DEFAULT))
    assert there != DEFAULT
    assert stage_edit.settled(there, PLACES) == DEFAULT
    beside = replace(DEFAULT, A=replace(DEFAULT.A, x=DEFAULT.A.x + 0.000003))
    assert stage_edit.settled(beside, PLACES) == beside


def test_rehomed_handles_stand_on_their_items_and_keep_their_sliders() -> None:
    edit = replace(DEFAULT, A=Handle(9, 0.0, 0.0, {"smile": 1.0}))
    home = stage_edit.rehomed(edit, PLACES)
    assert Handle(9, *map(float, PLACES[9]), {"smile": 1.0}) == home.A
    assert home.B == DEFAULT.B
