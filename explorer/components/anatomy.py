"""One image laid out live, and the board of two divergences, as Streamlit components.

Python hands over what to show and hears where the code was turned to when the hand lets go. The drag itself never
comes here: the browser speaks with `explorer.live.anatomy` over its own socket. The board asks nobody.
"""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["divergence", "image"]

NAME = "anatomy"


def image(data: dict[str, Any], key: str = "anatomy") -> object:
    """Shows one image's way through a model.

    Arguments:
        data: Model, view, edit and revision, as the front end's `AnatomyData` has them.
        key: Streamlit's key.

    Returns:
        The edit as the browser last let go of it (untrusted JSON), or None if nothing was moved yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component(NAME)(data={"part": "image", **data}, key=key, on_edit_change=lambda: None).edit


def divergence(key: str = "divergence") -> None:
    """Shows two densities to drag and their divergences both ways.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    component(NAME)(data={"part": "divergence"}, key=key)
