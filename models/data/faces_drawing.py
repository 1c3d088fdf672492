"""Draws portraits from factors, layer by layer from the background to the earrings.

Pixels are computed only with sums, products, quotients, square roots, minima and maxima in float32,
whose rounding IEEE 754 defines: the same factors give the same bytes on every machine and in every
batch.
"""

from __future__ import annotations

__all__ = ["BINARY", "CONTINUOUS", "SIZE", "VERSION", "render"]

import numpy as np
from numpy.typing import NDArray

from models.data.faces_canvas import (
    BACKGROUND,
    BINARY,
    CONTINUOUS,
    FULL,
    HAT,
    SIZE,
    Array,
    Scene,
    Window,
    blob,
    ellipse,
    grid,
    inside,
    rgb,
    scale,
    smooth,
    times,
    towards,
)
from models.data.faces_features import beard, brows, cheeks, eyes, face, mouth, nose

VERSION = 2  # version of the drawing, part of the cache key; increased with every change


def background(s: Scene) -> None:
    """Fills the canvas with a muted colour and a glow on the side of the light."""
    x, y = grid(FULL)
    colour = scale(BACKGROUND, s.factor["background"])
    for plane, value in zip(s.canvas, towards(colour, rgb("ffffff"), 0.10), strict=True):
        plane[:] = value
    s.paint(FULL, (y / 64) * 0.9 + 0 * x, times(colour, 0.93, 0.93, 0.95))
    glow = blob(x - 32 - 24 * s.light, y - 20, 50.0, 46.0)
    s.paint(FULL, 0.55 * glow, towards(colour, rgb("fffaf0"), 0.75))


def hair_back(s: Scene) -> None:
    """The hair behind neck and shoulders."""
    window = Window(8, 64, 6, 58)
    x, y = grid(window)
    length = s.factor["hair_length"]
    middle = s.cx - 1.6 * s.turn
    dx = x - middle
    end = 35.0 + 27.5 * length - 0.012 * dx * dx
    tip = np.clip((y - end + 8) / 8, 0, 1)
    width = s.half + 1.4 + 3.4 * length * smooth((y - 22) / 30) - 6.0 * tip * tip
    side = np.abs(dx) - width
    crown = ellipse(dx, y - 28, s.half + 2.2, 19.0)
    below = np.maximum(np.maximum(side, y - end), 27.5 - y)
    alpha = inside(np.minimum(crown, below))
    s.paint(window, alpha, times(s.hair, 0.72, 0.66, 0.68))


def neck(s: Scene) -> None:
    """The neck, in the shadow of the chin."""
    window = Window(40, 62, 18, 46)
    x, y = grid(window)
    middle = 32 + 0.4 * s.turn
    width = 5.4 + 0.14 * s.half * smooth((y - 49) / 9) + 4.0 * smooth((y - 52) / 7)
    alpha = inside(np.abs(x - middle) - width)
    s.paint(window, alpha, times(s.skin, 0.93, 0.88, 0.86))
    shade = inside(s.outline(x + 2.5 * s.light, y - 3.2) / 1.6)
    s.paint(window, alpha * shade * 0.62, s.skin_shadow)


def clothes(s: Scene) -> None:
    """Shoulders in a shirt with a round collar."""
    window = Window(48, 64, 0, 64)
    x, y = grid(window)
    q = (x - 32) / 29
    shoulders = (53.4 + 9.5 * q * q - y) * 0.88
    neckline = ellipse(x - 32, y - 51.5, 8.8 + 0 * s.turn, 7.2)
    alpha = inside(np.maximum(shoulders, -neckline))
    s.paint(window, alpha, s.cloth)
    s.paint(window, alpha * inside(neckline - 1.9) * 0.55, towards(s.cloth, rgb("ffffff"), 0.6))
    lit = np.clip(0.5 + 0.7 * s.light * q, 0, 1)
    s.paint(window, alpha * (1 - lit) * 0.45, times(s.cloth, 0.62, 0.60, 0.68))
    s.paint(window, alpha * lit * 0.22, towards(s.cloth, rgb("fff4dc"), 0.6))


def ear(s: Scene, side: int, front: Array | float) -> None:
    """The ear on one side (-1 left, 1 right), as opaque as `front`."""
    window = Window(26, 42, 10, 32) if side < 0 else Window(26, 42, 32, 54)
    x, y = grid(window)
    dx, dy = x - s.at(side * 1.03, -0.12), y - 33.0
    alpha = inside(ellipse(dx, dy, 2.5, 4.0)) * front
    s.paint(window, alpha, times(s.skin, 0.97, 0.90, 0.88))
    s.paint(window, blob(dx - 0.3 * side, dy, 1.9, 3.0) * front * 0.7, s.skin_shadow)


def ears_behind(s: Scene) -> None:
    """Both ears, before the face covers them."""
    ear(s, -1, 1.0)
    ear(s, 1, 1.0)


def near(s: Scene, side: int) -> Array:
    """Returns how far this side is turned towards the viewer: 0 up to the front view, then quickly 1."""
    return smooth(-side * s.turn / 0.35)


def hairline(s: Scene, x: Array) -> Array:
    """The y of the hair's lower border on the forehead: two sweeps from a parting."""
    q = (x - s.at(0.28, 0.70)) / s.half
    return np.asarray(18.2 + 7.5 * q * q * (1 - 0.10 * q))


def hair_front(s: Scene) -> None:
    """Cap and locks, with their shadow on the forehead and a highlight."""
    window = Window(6, 64, 8, 56)
    x, y = grid(window)
    length = s.factor["hair_length"]
    middle = s.cx - 1.2 * s.turn
    line = hairline(s, x)
    skull = ellipse(x - middle, y - 28.2, s.half + 2.6, 20.0)
    crown = np.maximum(skull, (y - line) * 0.75)
    # Locks fall at both sides, no wider than the skull until they are below it.
    end = 31.0 + 29.5 * length
    tip = np.clip((y - end + 9) / 9, 0, 1)
    grow = length * smooth((y - 26) / 30)
    away = np.abs(x - middle)
    inner = s.half - 1.7 - 0.7 * length * smooth((y - 24) / 12) + 2.2 * tip * tip
    outer = s.half + 2.1 + 3.2 * grow - 2.4 * tip * tip
    dome = ellipse(x - middle, np.minimum(y - 28.2, 0), s.half + 2.6, 20.0)
    strands = np.maximum(inner - away, away - outer)
    strands = np.maximum(strands, np.maximum(y - end, (line - 1.5 - y) * 0.75))
    strands = np.maximum(strands, np.where(y < 28.2, dome, -4))
    cast = inside((y - line - 1.6) * 0.6) * inside(s.outline(x, y) + 0.5)
    s.paint(window, cast * 0.45, s.skin_shadow)
    lock = inside(strands)
    cap = inside(crown)
    alpha = np.maximum(cap, lock)
    s.paint(window, alpha, s.hair)
    u = (x - middle) / s.half
    dark = smooth(0.32 - 0.95 * s.light * u + 0.014 * (y - 24) + 0.30 * (u * u - 0.5))
    s.paint(window, alpha * dark * 0.75, s.hair_shadow)
    arc = np.sqrt(u * u + ((y - 28.2) / 20) ** 2 * 1.1) - 0.80
    band = np.maximum(1 - (arc / 0.13) ** 2, 0) * blob(u - 0.55 * s.light, y - 14, 0.9, 14.0)
    s.paint(window, cap * band, s.hair_shine)
    gleam = np.maximum(1 - ((away - s.half - 1.2) / 1.4) ** 2, 0) * smooth(0.5 + 1.2 * s.light * u)
    s.paint(window, lock * gleam * 0.40 * smooth((y - 26) / 10), s.hair_shine)


def ears_in_front(s: Scene) -> None:
    """The near ear, over the face unless the hair hides it."""
    for side in (-1, 1):
        ear(s, side, near(s, side) * (1 - smooth(s.factor["hair_length"] * 2.2 - 0.1)))


def glasses(s: Scene) -> None:
    """A dark round frame with clear lenses."""
    window = Window(23, 41, 10, 54)
    x, y = grid(window)
    on = s.factor["glasses"]
    dy = y - 31.6
    frame = np.abs(dy + 1.2) - 0.6
    frame = np.maximum(frame, np.abs(x - s.at(0.0, 0.80)) - 2.2)  # the bridge
    for side in (-1, 1):
        wide = np.minimum(0.2 + 0.8 * s.narrowing(side), 1.08)
        dx = (x - s.at(side * 0.46, 0.66)) / wide
        xx, yy = (dx / 5.5) ** 2, (dy / 4.9) ** 2
        lens = (np.sqrt(xx + yy - 0.28 * xx * np.minimum(yy, 2)) - 1) * 5.1
        s.paint(window, inside(lens) * on * 0.13, rgb("e8f4ff"))
        shine = blob(dx - 2.9, dy + 2.7, 1.6, 1.2) * inside(lens + 1.0) * 0.5
        s.paint(window, shine * on, rgb("ffffff"))
        rim = np.abs(lens) - 0.62
        arm = np.maximum(5.0 - side * dx, side * (x - s.cx) - s.half - 0.6)
        arm = np.maximum(np.abs(dy + 1.4) - 0.5, arm)
        frame = np.minimum(frame, np.minimum(rim, arm))
    s.paint(window, inside(frame) * on, rgb("26222c"))


def hat(s: Scene) -> None:
    """A felt hat: crown with a dent, ribbon and brim."""
    window = Window(0, 26, 4, 60)
    x, y = grid(window)
    on = s.factor["hat"]
    colour = scale(HAT, s.factor["clothing"])
    middle = s.cx - 0.4 * s.turn
    q = (x - middle) / s.half
    dx = x - middle
    bend = 15.6 + 1.3 * (1 - q * q * 0.55) + 0.9 * s.turn * q
    crown_half = s.half + 0.9 - 2.0 * smooth((16 - y) / 12)
    crown = np.maximum(np.maximum(np.abs(dx) - crown_half, y - bend), 3.2 + 1.3 * q * q * q * q - y)
    dent = ellipse(dx + 1.5 * s.turn, y - 2.2, 5.5, 2.4)
    brim = np.maximum(np.abs(y - bend - 0.3) - 1.9 + 0.35 * q * q, np.abs(dx) - s.half - 6.0)
    cast = inside((y - bend - 4.6) * 0.5) * inside(s.outline(x, y) + 0.5) * inside((bend - y) * 1.0)
    s.paint(window, cast * on * 0.5, s.skin_shadow)
    top = inside(np.maximum(crown, -dent)) * on
    s.paint(window, top, colour)
    ribbon = top * inside(np.abs(y - bend + 3.6) - 1.7)
    s.paint(window, ribbon, towards(times(colour, 0.45, 0.42, 0.48), rgb("2a2030"), 0.3))
    edge = inside(brim) * on
    under = inside(brim) * inside(bend + 0.9 - y)
    s.paint(window, edge, times(colour, 0.86, 0.84, 0.86))
    s.paint(window, under * on, towards(colour, rgb("fff2dc"), 0.16))
    both = np.maximum(top, edge)
    lit = smooth(0.5 + 0.55 * s.light * q)
    s.paint(window, both * (1 - lit) * 0.42, times(colour, 0.55, 0.52, 0.58))
    s.paint(window, both * lit * 0.20, towards(colour, rgb("fff2dc"), 0.6))


def earring(s: Scene, side: int, front: Array | float) -> None:
    """A gold hoop at one ear, as opaque as `front`."""
    window = Window(34, 48, 8, 32) if side < 0 else Window(34, 48, 32, 56)
    x, y = grid(window)
    dx = x - s.at(side * 1.08, -0.12) - side * s.half * 0.16 * smooth(side * s.turn)
    dy = y - 40.4
    radius = np.sqrt(dx * dx + dy * dy)
    on = s.factor["earrings"] * front
    s.paint(window, inside(np.abs(radius - 2.5) - 1.15) * on * 0.75, rgb("6a4414"))
    s.paint(window, inside(np.abs(radius - 2.5) - 0.72) * on, rgb("f6c344"))
    s.paint(window, blob(dx - 1.2 * s.light, dy + 2.0, 1.5, 1.2) * on, rgb("fff6d0"))


def earrings_behind(s: Scene) -> None:
    """Both hoops, before the face covers them."""
    earring(s, -1, 1.0)
    earring(s, 1, 1.0)


def earrings_in_front(s: Scene) -> None:
    """The hoops over hair and face, except one on the far side."""
    for side in (-1, 1):
        earring(s, side, 1 - near(s, -side))


LAYERS = (
    background,
    hair_back,
    neck,
    clothes,
    ears_behind,
    earrings_behind,
    face,
    cheeks,
    nose,
    eyes,
    brows,
    beard,
    mouth,
    hair_front,
    ears_in_front,
    glasses,
    hat,
    earrings_in_front,
)


def render(table: Array) -> NDArray[np.uint8]:
    """Draws one picture per row.

    Arguments:
        table: Factors, float32 of shape (B, 16), columns CONTINUOUS + BINARY.

    Returns:
        Pictures, uint8 of shape (B, 64, 64, 3).
    """
    scene = Scene(np.asarray(table, np.float32))
    for layer in LAYERS:
        layer(scene)
    pixels = np.clip(scene.canvas * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(1, 2, 3, 0))
