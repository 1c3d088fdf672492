"""The drawing pad as a Streamlit component: a small canvas to draw on with a finger, a pen or the mouse."""

from __future__ import annotations

from explorer.components.bundle import component

__all__ = ["pad"]


def pad(shape: tuple[int, int, int], key: str = "pad") -> object:
    """Shows the pad.

    Arguments:
        shape: (C, H, W) of the picture; one channel is drawn light on dark, like digits.
        key: Streamlit's key.

    Returns:
        The submitted drawing as data URL of a PNG (untrusted), or None.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    channels, height, width = shape
    data = {"width": width, "height": height, "colour": channels == 3}
    return component("pad")(data=data, key=key, on_drawing_change=lambda: None).drawing
