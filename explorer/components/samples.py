"""Pictures in rows, each to be clicked, as a Streamlit component."""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["gallery"]


def gallery(data: dict[str, Any], key: str = "gallery") -> object:
    """Shows pictures in rows.

    Arguments:
        data: One image of all pictures, their shape, columns and captions, as the front end's `GalleryData` has them.
        key: Streamlit's key.

    Returns:
        The last click as the browser made it (untrusted JSON), or None if there was none yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    return component("samples")(data=data, key=key, on_edit_change=lambda: None).edit
