"""The live view of one image through a model, and the board of two divergences, as Streamlit components.

Python passes the data in and receives the edit at the end of a gesture. During a drag the browser talks to
`explorer.live.anatomy` over its own socket. The board needs no server.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["divergence", "image"]

NAME = "anatomy"


def image(data: dict[str, Any], key: str = "anatomy") -> object:
    """Shows one image from input to reconstruction.

    Arguments:
        data: The front end's `AnatomyData`: model, view, edit and revision.
        key: Streamlit's key.

    Returns:
        The last edit sent by the browser (untrusted JSON), or None.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component(NAME)(data={"part": "image", **data}, key=key, on_edit_change=lambda: None).edit


def divergence(key: str = "divergence") -> None:
    """Shows two densities to drag, and their divergences in both directions.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    component(NAME)(data={"part": "divergence"}, key=key)
