"""Animated paths side by side as a Streamlit component; playing needs no server."""

from __future__ import annotations

from typing import Any

from explorer.components.bundle import component

__all__ = ["player"]


def player(data: dict[str, Any], key: str = "paths") -> None:
    """Shows paths to scrub and to play.

    Arguments:
        data: The front end's `PathsData`: image shape and paths.
        key: Streamlit's key.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    component("paths")(data=data, key=key)
