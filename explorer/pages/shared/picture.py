"""An image with alternative text, which Streamlit's own images lack."""

from __future__ import annotations

import base64
from html import escape

import streamlit as st

__all__ = ["show_picture"]


def show_picture(png: bytes, alt: str, *, width: int | None = None, caption: str = "") -> None:
    """Shows an image.

    Arguments:
        png: PNG file.
        alt: Alternative text for screen readers.
        width: In CSS pixels; None fills the column.
        caption: Text below the image.
    """
    source = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    image = (
        f'<img src="{source}" alt="{escape(alt, quote=True)}" '
        f'style="display:block;width:{f"{width}px" if width else "100%"};max-width:100%">'
    )
    if caption:
        image = (
            f'<figure style="margin:0">{image}'
            f'<figcaption style="font-size:.8rem;opacity:.82;text-align:center">{escape(caption)}'
            "</figcaption></figure>"
        )
    st.html(image, width=width or "stretch")
