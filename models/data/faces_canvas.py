"""The canvas of the drawn faces: shapes as signed distances, colours, and the pose of the head.

A shape is given by its signed distance d in pixels, negative inside. It covers clip(1/2 - d, 0, 1) of
a pixel, which antialiases the edge. All positions are continuous, so a picture changes smoothly with
every factor. Arrays have the shape (B, h, w): B pictures over a window of h x w pixels.
"""

from __future__ import annotations

__all__ = [
    "BINARY",
    "CONTINUOUS",
    "FULL",
    "SIZE",
    "Array",
    "Colour",
    "Scene",
    "Window",
    "blob",
    "ellipse",
    "grid",
    "inside",
    "rgb",
    "scale",
    "smooth",
    "times",
    "towards",
]

from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]  # float32
Colour: TypeAlias = tuple[Array, Array, Array]  # red, green, blue in [0, 1]

SIZE = 64
CONTINUOUS = (
    "head_turn",
    "smile",
    "mouth_opening",
    "eye_opening",
    "brow",
    "hair_length",
    "hair_colour",
    "skin_tone",
    "face_width",
    "light",
    "background",
    "clothing",
)
BINARY = ("glasses", "beard", "hat", "earrings")

# Colour scales: evenly spaced stops in sRGB bytes.
SKIN = ("ffe2ce", "f8d0b2", "e6b48e", "c88f68", "a06a4b", "764c38")
HAIR = ("282028", "442c26", "6e402a", "9e5e32", "ce924c", "f0ca80")
IRIS = ("4a2e22", "5c3c24", "6a542e", "4e7054", "427692", "4a86ba")
BACKGROUND = ("f4beaa", "f4d8a2", "bed4a8", "8cc8c0", "92bee4", "bab0e2", "ecb4ce")
CLOTHING = ("cc4e46", "e2943a", "62965c", "2c808a", "3a5ca6", "7a509e", "be4a7a")
HAT = ("345478", "624468", "9e4246", "c4683e", "d29e54", "608462", "3c747e")


class Window(NamedTuple):
    """A rectangle of the picture, in pixels: rows [top, bottom), columns [left, right)."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, outer: Window) -> tuple[slice, slice, slice]:
        """Returns the slices of this window in an array (B, h, w) over `outer`."""
        rows = slice(self.top - outer.top, self.bottom - outer.top)
        return slice(None), rows, slice(self.left - outer.left, self.right - outer.left)


FULL = Window(0, SIZE, 0, SIZE)


@cache
def grid(window: Window) -> tuple[Array, Array]:
    """Returns pixel centres: x of shape (1, 1, w) and y of shape (1, h, 1)."""
    x = np.arange(window.left, window.right, dtype=np.float32) + np.float32(0.5)
    y = np.arange(window.top, window.bottom, dtype=np.float32) + np.float32(0.5)
    return x[None, None, :], y[None, :, None]


def inside(distance: Array) -> Array:
    """Computes the coverage of pixels from a signed distance in pixels."""
    return np.clip(0.5 - distance, 0, 1)


def smooth(t: Array) -> Array:
    """Rises smoothly from 0 to 1 over t in [0, 1], with slope 0 at both ends (smoothstep)."""
    t = np.clip(t, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def ellipse(x: Array, y: Array, a: Array | float, b: Array | float) -> Array:
    """Computes the distance to an ellipse about the origin with half-axes a and b, to first order."""
    u, v = x / a, y / b
    r = np.sqrt(u * u + v * v)
    slope = np.sqrt((u / a) ** 2 + (v / b) ** 2)
    return (r - 1) * r / np.maximum(slope, 1e-4)


def blob(x: Array, y: Array, a: Array | float, b: Array | float) -> Array:
    """Computes a soft spot: 1 at the origin, 0 beyond the ellipse with half-axes a and b."""
    u, v = x / a, y / b
    fall = np.maximum(1 - u * u - v * v, 0)
    return fall * fall


def scale(stops: tuple[str, ...], t: Array) -> Colour:
    """Interpolates the colour at t in [0, 1] between evenly spaced stops."""
    table = np.array([list(bytes.fromhex(stop)) for stop in stops], dtype=np.float32) / 255
    position = np.clip(t, 0, 1) * (len(stops) - 1)
    index = np.minimum(position.astype(np.int64), len(stops) - 2)
    fraction = (position - index.astype(np.float32))[..., None]
    mixed = table[index] * (1 - fraction) + table[index + 1] * fraction
    return mixed[..., 0], mixed[..., 1], mixed[..., 2]


def times(colour: Colour, r: float, g: float, b: float) -> Colour:
    """Multiplies a colour by (r, g, b)."""
    return colour[0] * r, colour[1] * g, colour[2] * b


def towards(colour: Colour, other: Colour, share: Array | float) -> Colour:
    """Mixes two colours, with the given share of the other."""
    r, g, b = (one + share * (two - one) for one, two in zip(colour, other, strict=True))
    return r, g, b


def rgb(stop: str) -> Colour:
    """Returns a constant colour from its sRGB bytes in hexadecimal."""
    r, g, b = (np.full((1, 1, 1), byte / 255, np.float32) for byte in bytes.fromhex(stop))
    return r, g, b


class Scene:
    """The canvas with the geometry and colours that the layers share; scalars are (B, 1, 1).

    The head turns about its axis by 2 atan(u), -31° to 31°: a point at (p, depth), in half-widths
    of the face, moves to p cos + depth sin. So near points (nose, eyes) move more than the outline,
    and the ears less.

    Arguments:
        table: Factors, float32, shape (B, 16), columns CONTINUOUS + BINARY.
    """

    def __init__(self, table: Array) -> None:
        """Computes geometry and colours from the factors; the canvas is not painted yet."""
        column = {
            name: np.ascontiguousarray(table[:, k], np.float32)[:, None, None]
            for k, name in enumerate(CONTINUOUS + BINARY)
        }
        self.factor = column
        self.canvas = np.empty((3, len(table), SIZE, SIZE), np.float32)
        turn = column["head_turn"]
        u = turn * 0.275
        self.turn = turn
        self.cos = (1 - u * u) / (1 + u * u)
        self.sin = 2 * u / (1 + u * u)
        self.light = column["light"]
        self.cx = 32 + 0.6 * turn
        self.half = 11.7 + 4.0 * column["face_width"]
        self.mouth_y = np.float32(42.0)
        self.jaw = 16.8 + 1.1 * column["mouth_opening"]
        self.skin = scale(SKIN, column["skin_tone"])
        self.skin_shadow = times(self.skin, 0.69, 0.56, 0.57)
        self.hair = scale(HAIR, column["hair_colour"])
        self.hair_shadow = times(self.hair, 0.70, 0.64, 0.66)
        self.hair_shine = towards(self.hair, rgb("fff0d8"), 0.34)
        # Brows and beard are darker on darker skin, where blond ones would be invisible.
        depth = 1 - 0.52 * column["skin_tone"]
        self.facial = (self.hair[0] * depth, self.hair[1] * depth, self.hair[2] * depth)
        self.cloth = scale(CLOTHING, column["clothing"])

    def at(self, p: float, depth: float) -> Array:
        """Returns the x coordinate of a point of the head, in pixels."""
        return np.asarray(self.cx + self.half * (p * self.cos + depth * self.sin))

    def narrowing(self, side: int) -> Array:
        """Returns the apparent width of a feature on this side of the face, relative to the front view."""
        return np.asarray(self.cos - 0.5 * side * self.sin)

    def paint(self, window: Window, alpha: Array, colour: Colour) -> None:
        """Paints a layer; alpha (B, h, w)."""
        cut = window.of(FULL)
        for plane, value in zip(self.canvas, colour, strict=True):
            area = plane[cut]
            area += alpha * (value - area)

    def outline(self, x: Array, y: Array, grow: float = 0.0, drop: float = 0.0) -> Array:
        """Computes the distance to the outline of the face, `grow` pixels wider and with a chin `drop` lower."""
        v = (y - 32.5) / np.where(y > 32.5, self.jaw + drop, 16.8)
        lean = self.turn * (0.5 + 1.5 * smooth((y - 30) / 20))
        u = (x - self.cx - lean) / ((self.half + grow) * (1 - 0.10 * np.maximum(v, 0)))
        uu, vv = u * u, v * v
        r = np.sqrt(np.maximum(uu + vv - 0.16 * uu * vv, 1e-6))
        return np.asarray((r - 1) * (self.half + 1.0))
