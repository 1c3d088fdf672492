"""The features of a drawn face: skin and light, cheeks, nose, eyes, brows, beard and mouth."""

from __future__ import annotations

__all__ = ["beard", "brows", "cheeks", "eyes", "face", "mouth", "nose"]

from typing import NamedTuple

import numpy as np

from models.data.faces_canvas import (
    IRIS,
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

FACE = Window(13, 54, 12, 52)


def face(s: Scene) -> None:
    """The skin of the face, with the light on it."""
    x, y = grid(FACE)
    distance = s.outline(x, y)
    alpha = inside(distance)
    s.paint(FACE, alpha, s.skin)
    u = (x - s.cx - 0.8 * s.turn) / s.half
    v = (y - 32.5) / 17
    rim = np.maximum(u * u + v * v - 0.35, 0)
    # With light from the front, only the rim of the face is in soft shadow.
    shadow = smooth(-1.25 * s.light * u + 0.42 * rim + 0.10 * v - 0.08 + 0.10 * np.abs(s.light))
    s.paint(FACE, alpha * shadow * 0.88, s.skin_shadow)
    shine = blob(u - 0.55 * s.light, v + 0.30, 0.85, 0.85)
    s.paint(FACE, alpha * shine * 0.55, towards(s.skin, rgb("fff6ea"), 0.36))


def cheeks(s: Scene) -> None:
    """A blush, which rises with a smile."""
    window = Window(32, 46, 14, 50)
    x, y = grid(window)
    smile = s.factor["smile"]
    colour = towards(times(s.skin, 1.0, 0.70, 0.66), rgb("f0705c"), 0.35)
    alpha = inside(s.outline(x, y) + 0.5)
    for side in (-1, 1):
        middle = s.at(side * 0.60, 0.50)
        wide = 4.9 * s.narrowing(side)
        spot = blob(x - middle, y - 38.6 + 0.9 * smile, wide, 3.9)
        s.paint(window, alpha * spot * (0.34 + 0.36 * smile), colour)


def eye(s: Scene, side: int) -> None:
    """Lid, eyeball, iris with a glint, and lashes."""
    window = Window(24, 38, 14, 50)
    x, y = grid(window)
    opening, smile = s.factor["eye_opening"], s.factor["smile"]
    middle = s.at(side * 0.46, 0.62)
    opening = opening * (1.35 - 0.35 * opening)
    wide = 3.75 * s.narrowing(side)
    dx, dy = x - middle, y - 31.2
    u = dx / wide
    arch = 1 - u * u
    upper = -(0.05 + 3.0 * opening) * arch + 0.35
    lower = (0.15 + 1.55 * opening - 0.45 * smile * opening) * arch + 0.35
    # The lid: skin in soft shade from the open eye's arch down to the lashes.
    lid = inside(np.maximum(-3.6 * arch - dy, dy - upper)) * inside((np.abs(u) - 1) * wide)
    s.paint(window, lid * 0.42, times(s.skin, 0.78, 0.66, 0.66))
    ball = inside(np.maximum(upper - dy, dy - lower)) * inside((np.abs(u) - 1) * wide)
    s.paint(window, ball, rgb("fffdf8"))
    px, py = dx - 0.55 * s.turn, dy + 0.55
    across = px / np.minimum(1, 0.25 + 0.75 * s.narrowing(side))
    radius = np.sqrt(across * across + py * py)
    iris = scale(IRIS, s.factor["hair_colour"])
    s.paint(window, ball * inside(radius - 2.3), iris)
    s.paint(window, ball * inside(radius - 1.15), rgb("1c1418"))
    glint = inside(np.sqrt((px - 0.9 * s.light) ** 2 + (py + 0.9) ** 2) - 0.62)
    s.paint(window, ball * glint * 0.95, rgb("ffffff"))
    lash = inside(np.abs(dy - upper + 0.25) - 0.50) * inside((np.abs(u) - 1.08) * wide)
    s.paint(window, lash * 0.92, rgb("2e1e20"))


def eyes(s: Scene) -> None:
    """Both eyes."""
    eye(s, -1)
    eye(s, 1)


def brows(s: Scene) -> None:
    """Two strokes: low and drawn together, or raised and arched."""
    window = Window(17, 31, 13, 51)
    x, y = grid(window)
    brow = s.factor["brow"]
    colour = times(s.facial, 0.68, 0.60, 0.60)
    for side in (-1, 1):
        wide = 4.4 * s.narrowing(side)
        u = side * (x - s.at(side * 0.47, 0.64)) / wide
        line = 26.5 - 3.9 * brow - (0.9 - 1.1 * brow) * u + (0.7 + 1.0 * brow) * (u * u - 0.4)
        stroke = inside(np.abs(y - line) - (0.85 - 0.30 * np.maximum(u, -0.2)))
        s.paint(window, stroke * inside((np.abs(u) - 1) * wide) * 0.92, colour)


def nose(s: Scene) -> None:
    """Ridge, shaded flank, underside and tip; the tip is the deepest point of the head."""
    window = Window(27, 43, 18, 46)
    x, y = grid(window)
    tip, root = s.at(0.0, 0.98), s.at(0.0, 0.78)
    part = np.clip((y - 29) / 8, 0, 1)
    ridge = root + (tip - root) * part
    lean = 0.55 * s.light + 0.75 * s.turn  # the side in shadow is away from light and turn
    wide = 1.1 + 1.2 * part
    strength = np.clip(np.abs(lean), 0, 1)
    flank = blob(x - ridge + 1.7 * np.clip(lean * 2, -1, 1), y - 34.5, wide, 6.0)
    s.paint(window, flank * strength * 0.55, s.skin_shadow)
    shine = blob(x - ridge - 0.3 * s.light, y - 34.0, 1.7, 6.5)
    s.paint(window, shine * 0.5, towards(s.skin, rgb("fff8ee"), 0.40))
    bulb = inside(ellipse(x - tip, y - 37.0, 2.6, 1.0))
    under = inside(ellipse(x - tip, y - 37.7, 2.5, 1.05)) - bulb
    s.paint(window, np.maximum(under, 0) * 0.85, times(s.skin, 0.62, 0.46, 0.46))
    s.paint(window, blob(x - tip, y - 36.0, 2.0, 1.5) * 0.6, towards(s.skin, rgb("ffffff"), 0.38))


class Lips(NamedTuple):
    """The curves of the mouth at every x: the position u in half-widths, and the y of four borders."""

    u: Array
    wide: Array
    top: Array
    upper: Array
    lower: Array
    bottom: Array


def lips(s: Scene, x: Array) -> Lips:
    """Computes the curves of the mouth for a smile and an opening."""
    smile, opening = s.factor["smile"], s.factor["mouth_opening"]
    wide = (4.3 + 2.4 * smile - 0.5 * opening) * (0.25 + 0.75 * s.cos)
    u = (x - s.at(0.0, 0.74)) / wide
    uu = np.minimum(u * u, 1)
    arch = 1 - uu
    curve = s.mouth_y + (5.2 * smile - 1.8) * (0.42 - uu)
    upper = curve - 1.3 * opening * arch
    lower = curve + 4.2 * opening * arch
    return Lips(u, wide, upper - 1.15 * arch - 0.15, upper, lower, lower + 1.55 * arch + 0.15)


def beard(s: Scene) -> None:
    """A full beard along the jaw, and a moustache along the lip."""
    window = Window(28, 57, 12, 52)
    x, y = grid(window)
    m = lips(s, x)
    u = (x - s.at(0.0, 0.55)) / s.half
    uu = u * u
    jaw = s.outline(x, y, grow=0.5, drop=2.3)
    cheek = 43.6 - 13.5 * uu * np.minimum(uu, 1.2) - 2.0 * uu - y
    bow = np.abs(y - m.top + 1.5 - 0.5 * m.u**2) - 1.35 + 0.3 * m.u**2
    moustache = np.maximum(bow, (np.abs(m.u) - 1.35) * 5)
    chops = np.maximum(np.maximum(cheek, jaw), -8.0)
    alpha = np.maximum(inside(chops), inside(np.maximum(moustache, jaw))) * s.factor["beard"]
    dark = times(s.facial, 0.74, 0.64, 0.62)
    s.paint(window, alpha * 0.96, dark)
    lit = smooth(0.35 + 0.8 * s.light * u - 0.05 * (y - 44))
    s.paint(window, alpha * lit * 0.45, times(s.facial, 0.94, 0.88, 0.86))
    s.paint(window, alpha * (1 - lit) * 0.45, times(dark, 0.70, 0.66, 0.68))


def mouth(s: Scene) -> None:
    """Lips, with tongue and upper teeth between them."""
    window = Window(35, 53, 18, 46)
    x, y = grid(window)
    m = lips(s, x)
    ends = inside((np.abs(m.u) - 1) * m.wide)
    red = towards(times(s.skin, 0.86, 0.52, 0.52), rgb("c8404c"), 0.45)
    whole = inside(np.maximum(m.top - y, y - m.bottom)) * ends
    s.paint(window, whole, red)
    gloss = inside(np.abs(y - m.lower - 0.9) - 0.35)
    s.paint(window, whole * gloss * 0.45, towards(red, rgb("ffffff"), 0.5))
    gap = inside(np.maximum(m.upper - y, y - m.lower)) * ends
    s.paint(window, gap, rgb("5a1a26"))
    opening = s.factor["mouth_opening"]
    tongue = blob(x - s.at(0.0, 0.74), y - m.lower + 0.2, m.wide * 0.8, 2.6)
    s.paint(window, gap * np.minimum(2 * tongue, 1) * smooth(opening * 2), rgb("d8606a"))
    depth = 0.45 + (0.8 + 0.8 * s.factor["smile"]) * opening
    depth = depth * (1 - 0.8 * np.minimum(m.u * m.u, 1))
    teeth = inside(y - m.upper - depth) * inside((np.abs(m.u) - 0.80) * m.wide)
    s.paint(window, gap * teeth * smooth(opening * 4), rgb("fffaf2"))
    crease = blob(x - s.at(0.0, 0.70), y - s.mouth_y - 5.6 - 3.0 * opening, 3.4, 1.5)
    s.paint(window, crease * 0.35 * (1 - s.factor["beard"]), s.skin_shadow)
