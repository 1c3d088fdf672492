"""The live stage as a Streamlit component: the map, the handles, the pictures, the sliders.

Python passes the data in and receives the edit at the end of a gesture. During a drag the browser talks to
`explorer.live` over its own socket.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from explorer.components.bundle import component

__all__ = ["Received", "stage"]


class Received(NamedTuple):
    """The newest messages of the browser (untrusted JSON); None if there is none."""

    edit: object  # at the end of the last gesture
    selection: object  # images selected on the map


def stage(data: dict[str, Any], key: str = "stage") -> Received:
    """Shows the stage.

    Arguments:
        data: The front end's `StageData`: model, view, colour, directions, own pictures, selection, edit,
            revision.
        key: Streamlit's key.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    result = component("stage")(
        data=data, key=key, on_edit_change=lambda: None, on_selection_change=lambda: None
    )
    return Received(result.edit, result.selection)
