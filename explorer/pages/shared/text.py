"""Escapes text from elsewhere, such as an address or a card, for Streamlit's Markdown."""

from __future__ import annotations

import re

from models.system.printable import printable

__all__ = ["plain", "with_code"]

CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")  # a run of one backtick is closed only by another run of one
SPECIAL = re.compile(r"[\\`*_\[\]<>$:#~|!&]")
# Before the sign that makes the start of a line a list, a rule or the underline of a heading.
BLOCK = re.compile(r"^(?:\d{1,9}(?=[.)](?:\s|$))|(?=[-+](?:\s|$))|(?=[-=]+$))")
# Streamlit also searches the text that is left when escapes are resolved: for addresses of pages and of e-mail, names
# of icons, and arrows. An invisible letter without width hides them.
JOINER = "\u2060"
FOUND_LATER = re.compile(
    r"(?<=:)(?=//|material/|[\w+-]+:)|(?<=www)(?=\.)|(?<=@)(?=[-\w])|(?<=[-<>~])(?=[-=>](?:\s|$))",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Escapes text to Markdown that shows it on one line as it is, whatever it contains.

    References:
        | CommonMark 0.31.2, section 2.4, Backslash escapes
        | https://spec.commonmark.org/0.31.2/#backslash-escapes
    """
    return BLOCK.sub(r"\g<0>\\", _escaped(_one_line(text)))


def with_code(text: str) -> str:
    """As `plain`, but a part between single backticks stays code: for a message that names a parameter or a command."""
    parts = CODE.split(_one_line(text))  # every second part is code
    shown = "".join(f"`{part}`" if index % 2 else _escaped(part) for index, part in enumerate(parts))
    return BLOCK.sub(r"\g<0>\\", shown)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def _escaped(line: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", FOUND_LATER.sub(JOINER, line))
