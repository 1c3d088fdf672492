"""Makes names from outside printable: from a file system, an archive, an address or a card."""

from __future__ import annotations

import os

__all__ = ["printable"]


def printable(name: str | os.PathLike[str]) -> str:
    r"""Writes letters that cannot be shown, or that change how others are shown, as escapes.

    Bytes of a file's name that are not UTF-8, which Python keeps as lone surrogates that nothing can encode, become
    `\xff`; control characters, line breaks and marks of direction become `\n` or `\u202e`.
    """
    text = os.fspath(name)
    if text.isprintable():
        return text
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair that is not a byte of a file's name
        raw = text.encode("utf-8", "backslashreplace")
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )
