"""The comparison as a Streamlit component: models side by side, one picture under the hand.

Python hands over what to show and gets the state back when a hand lets go, as with the stage.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["compare"]


def compare(data: dict[str, Any], key: str = "compare") -> object:
    """Shows the comparison.

    Arguments:
        data: Models, colour, state and revision, as the front end's `CompareData` has them.
        key: Streamlit's key.

    Returns:
        The state as the browser last let go of it (untrusted JSON), or None if nothing was moved yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component("compare")(data=data, key=key, on_state_change=lambda: None).state
