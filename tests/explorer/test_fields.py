"""Tests of the shared fields: texts of every length meet one limit, wherever they come from."""

from __future__ import annotations

import json

from explorer.fields import SLUG, VIEW_ID
from explorer.live.messages import Frame, Open, parse
from explorer.workspace.stage_edit import Edit, Handle, edit_from_query


def test_a_direction_has_one_longest_name_in_messages_links_and_views() -> None:
    """Links used to refuse names of 81 to 96 letters, which messages accepted."""
    longest = "s" * 96
    assert SLUG.fullmatch(longest) and not SLUG.fullmatch(longest + "s")
    start = Edit(Handle(0, 0.0, 0.0), Handle(1, 0.0, 0.0))
    edit, problems = edit_from_query({"a_with": f"{longest}:0.5"}, start, [(0.0, 0.0)] * 2, {longest: 1})
    assert (edit.A.sliders, problems) == ({longest: 0.5}, [])
    handle = {"item": 0, "x": 0, "y": 0, "sliders": {longest: 0.5}}
    frame = parse(json.dumps({"type": "frame", "seq": 1, "want": ["A"], "handles": {"A": handle}}))
    assert isinstance(frame, Frame) and frame.handles["A"].sliders == edit.A.sliders
    view = f"plane-{longest}--{longest}"
    assert VIEW_ID.fullmatch(view) and not VIEW_ID.fullmatch(view + "s")
    opening = parse(json.dumps({"type": "open", "protocol": 1, "model": "faces-vae", "view": view}))
    assert isinstance(opening, Open) and opening.view == view
