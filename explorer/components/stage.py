"""The live stage as a Streamlit component: the map, the handles, the pictures, the sliders.

Python hands over what to show and gets the edit back when a hand lets go. The drag itself never comes here: the
browser speaks with `explorer.live` over its own socket.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["stage"]


def stage(data: dict[str, Any], key: str = "stage") -> object:
    """Shows the stage.

    Arguments:
        data: Model, view, colour, directions, edit and revision, as the front end's `StageData` has them.
        key: Streamlit's key.

    Returns:
        The edit as the browser last let go of it (untrusted JSON), or None if nothing was moved yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component("stage")(data=data, key=key, on_edit_change=lambda: None).edit
