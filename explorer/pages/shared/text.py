"""Text that comes from elsewhere, such as an address or a card, made safe for Streamlit's Markdown."""

from __future__ import annotations

import re

__all__ = ["plain"]

CODE = re.compile(r"(`[^`]*`)")
SPECIAL = re.compile(r"([\\`*_\[\]<>$:#~|!])")


def plain(text: str) -> str:
    """The text so that Markdown shows it as it is: no pictures, links or formulas; `names` stay code."""
    parts = CODE.split(text)  # every second one is code
    return "".join(part if place % 2 else SPECIAL.sub(r"\\\1", part) for place, part in enumerate(parts))
