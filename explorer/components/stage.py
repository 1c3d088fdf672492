"""The live stage as a Streamlit component: the map, the handles, the pictures, the sliders.

Python hands over what to show and gets the edit back when a hand lets go. The drag itself never comes here: the
browser speaks with `explorer.live` over its own socket.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from explorer.components.bundle import component

__all__ = ["Told", "stage"]


class Told(NamedTuple):
    """What the browser has told, untrusted JSON; None for what it has not."""

    edit: object  # as it last let go of it
    selection: object  # the images that were selected on the map


def stage(data: dict[str, Any], key: str = "stage") -> Told:
    """Shows the stage.

    Arguments:
        data: Model, view, colour, directions, own pictures, selection, edit and revision, as the front end's
            `StageData` has them.
        key: Streamlit's key.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    told = component("stage")(
        data=data, key=key, on_edit_change=lambda: None, on_selection_change=lambda: None
    )
    return Told(told.edit, told.selection)
