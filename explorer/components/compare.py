"""The comparison as a Streamlit component: models side by side, with one image to move.

Python passes the data in and receives the state at the end of a gesture, as with the stage.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["compare"]


def compare(data: dict[str, Any], key: str = "compare") -> object:
    """Shows the comparison.

    Arguments:
        data: The front end's `CompareData`: models, colour, state and revision.
        key: Streamlit's key.

    Returns:
        The last state sent by the browser (untrusted JSON), or None.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component("compare")(data=data, key=key, on_state_change=lambda: None).state
