"""Ways through latent space that play side by side, as a Streamlit component: pictures come once, playing needs no server."""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["player"]


def player(data: dict[str, Any], key: str = "paths") -> None:
    """Shows ways to scrub and to play.

    Arguments:
        data: The pictures' shape and the ways, as the front end's `PathsData` has them.
        key: Streamlit's key.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    component("paths")(data=data, key=key)
