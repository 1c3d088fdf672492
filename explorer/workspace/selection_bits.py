"""A selection among N images as text: one bit per image, the first image in the lowest bit, in base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import numpy as np

__all__ = ["as_bits", "from_bits"]


def as_bits(items: Sequence[int], count: int) -> str:
    """The text of a selection; "" for none.

    Arguments:
        items: Rows of the atlas, each in [0, count).
        count: Images of the atlas.
    """
    if not len(items):
        return ""
    marks = np.zeros(count, bool)
    marks[np.asarray(items)] = True
    return base64.b64encode(np.packbits(marks, bitorder="little").tobytes()).decode()


def from_bits(bits: object, count: int) -> tuple[int, ...]:
    """The rows that a text from the browser stands for, ascending.

    Arguments:
        bits: Untrusted; see `as_bits`.
        count: Images of the atlas.

    Raises:
        ValueError: If it is no text of `count` bits.
    """
    if bits == "":
        return ()
    size = -(-count // 8)
    if not isinstance(bits, str) or len(bits) != 4 * -(-size // 3):
        raise ValueError(f"`bits` must be base64 of {size} bytes. Got {ascii(bits)[:40]}.")
    try:
        raw = base64.b64decode(bits, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"`bits` must be base64 of {size} bytes: {error}.") from error
    marks = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
    if len(raw) != size or marks[count:].any():
        raise ValueError(f"`bits` must mark only the {count} images.")
    return tuple(np.flatnonzero(marks).tolist())
