"""Reads the points of a map from an answer, written from the description of the format alone."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def read_points(answer: bytes) -> tuple[Floats | None, Floats | None]:
    """Positions (N, 2) and values (N,) of the points; None for what the answer does not have."""
    magic, count, positions, values = struct.unpack_from("<4sIBB", answer)
    x, x_step, y, y_step, low, step = struct.unpack_from("<6d", answer, 16)
    assert magic == b"LXM1"
    at, xy, column = 64, None, None
    if positions:
        kind = np.dtype({1: "<f4", 2: "<u2"}[positions])
        xy = np.frombuffer(answer, kind, 2 * count, at).reshape(-1, 2)
        at += xy.nbytes
        if positions == 2:
            xy = (np.array([x, y]) + np.array([x_step, y_step]) * xy).astype(np.float32)
    if values:
        kind = np.dtype({1: "<f4", 2: "<u1", 3: "<u2"}[values])
        raw = np.frombuffer(answer, kind, count, at)
        at += raw.nbytes
        scaled = raw if values < 3 else low + step * raw
        column = np.where(raw == {1: np.inf, 2: 255, 3: 65535}[values], np.nan, scaled).astype(np.float32)
    assert at == len(answer)
    return xy, column
