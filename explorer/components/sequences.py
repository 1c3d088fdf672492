"""A sequence under the hand, what a model believes of it and what it foresees, as a Streamlit component.

Python hands over what to show and hears what was chosen when the hand lets go. The drag itself never comes here: the
browser speaks with `explorer.live.time_page` over its own socket.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["sequences"]


def sequences(data: dict[str, Any], key: str = "time") -> object:
    """Shows a sequence.

    Arguments:
        data: Model, sequences, edit and revision, as the front end's `TimeData` has them.
        key: Streamlit's key.

    Returns:
        The edit as the browser last let go of it (untrusted JSON), or None if nothing was moved yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component("time")(data=data, key=key, on_edit_change=lambda: None).edit
