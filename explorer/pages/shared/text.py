"""Escapes untrusted text, such as an address or a card, for Streamlit's Markdown."""

from __future__ import annotations

import re

__all__ = ["plain"]

CODE = re.compile(r"(`[^`]*`)")
SPECIAL = re.compile(r"([\\`*_\[\]<>$:#~|!])")


def plain(text: str) -> str:
    """Escapes Markdown: no images, links or formulas; text in backticks stays code."""
    parts = CODE.split(text)  # every second part is code
    return "".join(part if index % 2 else SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts))
