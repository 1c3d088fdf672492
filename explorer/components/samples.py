"""A grid of clickable pictures as a Streamlit component."""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["gallery"]


def gallery(data: dict[str, Any], key: str = "gallery") -> object:
    """Shows pictures in rows.

    Arguments:
        data: The front end's `GalleryData`: one image of all pictures, their shape, columns and captions.
        key: Streamlit's key.

    Returns:
        The last click sent by the browser (untrusted JSON), or None.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component("samples")(data=data, key=key, on_edit_change=lambda: None).edit
