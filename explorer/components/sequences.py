"""A sequence, the model's belief and sampled futures as a Streamlit component.

Python passes the data in and receives the edit at the end of a gesture. During a drag the browser talks to
`explorer.live.time_page` over its own socket.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["sequences"]


def sequences(data: dict[str, Any], key: str = "time") -> object:
    """Shows a sequence.

    Arguments:
        data: The front end's `TimeData`: model, sequences, edit and revision.
        key: Streamlit's key.

    Returns:
        The last edit sent by the browser (untrusted JSON), or None.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component("time")(data=data, key=key, on_edit_change=lambda: None).edit
