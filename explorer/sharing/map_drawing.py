"""Exports of the map: a self-contained SVG, or a Plotly chart; coloured as on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BINARY",
    "CATEGORIES",
    "HANDLES",
    "VIRIDIS",
    "Shades",
    "chart",
    "draw",
    "legend",
    "shade",
    "shade_style",
]

# As in explorer/components/frontend/src/colours.ts; a test keeps them equal.
CATEGORIES = (
    "#4269d0",
    "#efb118",
    "#e4572e",
    "#2bd1fe",
    "#a32c74",
    "#9f89a6",
    "#2fe5a2",
    "#b17eff",
    "#a24112",
    "#8cb180",
    "#15985b",
    "#d29ec5",
    "#a35d9d",
    "#774aa1",
    "#e58e17",
    "#4989cf",
    "#a897e3",
    "#816050",
    "#cbca73",
    "#7871f0",
    "#d86a85",
    "#9fcfd0",
    "#936577",
    "#568c11",
    "#7db04e",
    "#fa89a3",
    "#0d7cb6",
    "#5b9383",
    "#cd6c5d",
    "#519cc4",
)
BINARY = ("#8f9bb3", "#e0457b")
VIRIDIS = (
    "#440154",
    "#48186a",
    "#472d7b",
    "#424086",
    "#3b528b",
    "#33638d",
    "#2c728e",
    "#26828e",
    "#21918c",
    "#1fa088",
    "#28ae80",
    "#3fbc73",
    "#5ec962",
    "#84d44b",
    "#addc30",
    "#d8e219",
    "#fde725",
)
RAMP_ENDS = {"light": (0.0, 0.92), "dark": (0.14, 1.0)}
STEPS = 32  # colours of a ramp
MISSING, PLAIN = "#9aa0a6", "#6b7fa8"
HANDLES = {"A": "#c9430d", "B": "#1769d0"}
WIDTH, HEIGHT, EDGE = 960, 640, 24  # of the drawing, in SVG units


@dataclass(frozen=True, eq=False)
class Shades:
    """The colour of each point."""

    index: NDArray[np.int64]  # (N,), into the palettes
    light: tuple[str, ...]
    dark: tuple[str, ...]
    title: str = ""
    labels: tuple[str, ...] = ()  # labels of the palette, if it is categorical
    range: tuple[float, float] | None = None  # range of the values, if it is a ramp
    values: NDArray[np.float32] | None = None


def shade(
    count: int,
    values: NDArray[np.float32] | None,
    kind: str = "",
    title: str = "",
    labels: Sequence[str] = (),
) -> Shades:
    """Colours points as on the page.

    Arguments:
        count: Number of points.
        values: One per point; None for a single colour.
        kind: "categorical", "binary" or "continuous".
        title: Title of the attribute.
        labels: Labels of the categories.
    """
    if values is None:
        return Shades(np.zeros(count, np.int64), (PLAIN,), (PLAIN,))
    if kind not in ("categorical", "binary"):
        return _ramp(values, title)
    named = tuple(labels) or tuple(
        ("no", "yes") if kind == "binary" else map(str, range(_categories(values)))
    )
    colours = BINARY if kind == "binary" else tuple(_category(n) for n in range(len(named)))
    index = np.where(np.isfinite(values), np.rint(values), -1).astype(np.int64)
    index[(index < 0) | (index >= len(colours))] = len(colours)
    palette = (*colours, MISSING)
    return Shades(index, palette, palette, title, (*named[: len(colours)], "not known"), None, values)


def _categories(values: NDArray[np.float32]) -> int:
    return int(np.nanmax(np.where(values < 1000, values, 0), initial=0)) + 1


def _category(number: int) -> str:
    """The colour of a category; beyond the table, colours repeat in lighter shades."""
    base = _rgb(CATEGORIES[number % len(CATEGORIES)])
    lift = 1 - 0.65 ** (number // len(CATEGORIES))
    return _hex([v + (255 - v) * lift for v in base])


def _ramp(values: NDArray[np.float32], title: str) -> Shades:
    finite = values[np.isfinite(values)]
    low, high = (float(v) for v in np.quantile(finite, [0.01, 0.99])) if len(finite) else (0.0, 1.0)
    if not low < high:
        low, high = (
            (float(finite.min()), float(finite.max()))
            if len(finite) and np.ptp(finite)
            else (low - 0.5, low + 0.5)
        )
    t = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0, 1)
    index = np.where(np.isfinite(values), np.rint(t * (STEPS - 1)), STEPS).astype(np.int64)
    light, dark = (
        (*(_viridis(a + (b - a) * n / (STEPS - 1)) for n in range(STEPS)), MISSING)
        for a, b in RAMP_ENDS.values()
    )
    return Shades(index, light, dark, title, (), (low, high), values)


def _viridis(t: float) -> str:
    at = t * (len(VIRIDIS) - 1)
    low = min(len(VIRIDIS) - 2, int(at))
    one, other = _rgb(VIRIDIS[low]), _rgb(VIRIDIS[low + 1])
    return _hex([a + (at - low) * (b - a) for a, b in zip(one, other, strict=True)])


def _rgb(colour: str) -> list[int]:
    return [int(colour[n : n + 2], 16) for n in (1, 3, 5)]


def _hex(rgb: Sequence[float]) -> str:
    return "#" + "".join(f"{round(v):02x}" for v in rgb)


# SVG


def shade_style(shades: Shades) -> str:
    """CSS of the points' colours, for a light and a dark page."""
    light, dark = (
        "".join(f".s{n}{{stroke:{c};background:{c}}}" for n, c in enumerate(palette))
        for palette in (shades.light, shades.dark)
    )
    return f"{light}@media (prefers-color-scheme: dark){{{dark}}}"


def draw(
    xy: NDArray[np.float32],
    shades: Shades,
    handles: Mapping[str, tuple[float, float]],
    path: NDArray[np.float64],
) -> str:
    """The map as SVG, with the points' colours defined by `shade_style`.

    Arguments:
        xy: Positions of the points, shape (N, 2).
        shades: Their colours.
        handles: Position of each handle.
        path: Positions along the walk, shape (F, 2).
    """
    everything = np.concatenate([xy, np.array([*handles.values()]).reshape(-1, 2), path.reshape(-1, 2)])
    low, high = everything.min(0).astype(float), everything.max(0).astype(float)
    scale = min(
        (WIDTH - 2 * EDGE) / max(high[0] - low[0], 1e-9), (HEIGHT - 2 * EDGE) / max(high[1] - low[1], 1e-9)
    )
    middle = (low + high) / 2

    def to_svg(positions: Any) -> NDArray[np.float64]:
        moved = (np.asarray(positions, float).reshape(-1, 2) - middle) * scale * (1, -1)
        return cast("NDArray[np.float64]", np.round(moved + np.array([WIDTH, HEIGHT]) / 2, 1))

    size = 5 if len(xy) <= 10_000 else 3
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="The map with handles A and B and the walk between them" '
        'xmlns="http://www.w3.org/2000/svg">'
    ]
    points = to_svg(xy)
    for number in range(len(shades.light)):
        shaded = points[shades.index == number]
        if len(shaded):
            dots = "".join(f"M{x:g} {y:g}h0" for x, y in shaded)
            parts.append(
                f'<path class="s{number}" d="{dots}" fill="none" stroke-width="{size}" '
                'stroke-linecap="round" opacity=".8"/>'
            )
    if len(path):
        line = " ".join(f"{x:g},{y:g}" for x, y in to_svg(path))
        parts.append(f'<polyline points="{line}" class="walk"/>')
        parts += [f'<circle cx="{x:g}" cy="{y:g}" r="3" class="step"/>' for x, y in to_svg(path)[1:-1]]
    for name, position in handles.items():
        ((x, y),) = to_svg(position)
        parts.append(
            f'<g><circle cx="{x:g}" cy="{y:g}" r="14" fill="{HANDLES.get(name, PLAIN)}" '
            'stroke="#fff" stroke-width="3"/>'
            f'<text x="{x:g}" y="{y + 5:g}" text-anchor="middle" fill="#fff" font-weight="700" font-size="15">'
            f"{escape(name)}</text></g>"
        )
    return "".join([*parts, "</svg>"])


def legend(shades: Shades) -> str:
    """The legend of the colours, as HTML."""
    title = f"<b>{escape(shades.title)}</b> " if shades.title else ""
    if shades.range is not None:
        low, high = (f"{value:.3g}".replace("-", "−") for value in shades.range)
        bar = "".join(f'<i class="s{n}"></i>' for n in range(STEPS))
        return f'<p class="legend">{title}{low} <span class="ramp">{bar}</span> {high}</p>'
    counts = np.bincount(shades.index, minlength=len(shades.labels))
    dots = [
        f'<span><i class="s{n} dot"></i>{escape(label)} <small>{counts[n]:,}</small></span>'
        for n, label in enumerate(shades.labels)
        if counts[n]
    ]
    return f'<p class="legend">{title}{" ".join(dots)}</p>' if dots else ""


# Plotly


def chart(
    xy: NDArray[np.float32],
    shades: Shades,
    handles: Mapping[str, tuple[float, float]],
    path: NDArray[np.float64],
    hover: Sequence[str],
    title: str,
) -> dict[str, Any]:
    """The map as an interactive Plotly chart.

    Arguments:
        xy: Positions of the points, shape (N, 2).
        shades: Their colours.
        handles: Position of each handle.
        path: Positions along the walk, shape (F, 2).
        hover: A hover text per point.
        title: Title of the chart.
    """
    traces = _point_traces(xy, shades, hover)
    traces.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "Walk",
            "showlegend": False,
            "x": path[:, 0].tolist(),
            "y": path[:, 1].tolist(),
            "line": {"color": "#555", "width": 2},
            "hoverinfo": "skip",
        }
    )
    traces += [_handle_trace(name, *position) for name, position in handles.items()]
    layout = {
        "title": {"text": escape(title)},
        "dragmode": "pan",
        "margin": {"l": 40, "r": 20},
        "legend": {"title": {"text": escape(shades.title)}, "itemsizing": "constant"},
        "xaxis": {"zeroline": False},
        "yaxis": {"scaleanchor": "x", "zeroline": False},
    }
    return {"data": traces, "layout": layout}


def _point_traces(xy: NDArray[np.float32], shades: Shades, hover: Sequence[str]) -> list[dict[str, Any]]:
    """The points: one trace for each label, or a single one."""
    texts = np.array([escape(line) for line in hover], object)
    traces = []
    for kind in range(len(shades.labels)) if shades.labels else [None]:
        mask = np.ones(len(xy), bool) if kind is None else shades.index == kind
        if mask.any():
            traces.append(
                {
                    "type": "scattergl",
                    "mode": "markers",
                    "name": "" if kind is None else escape(shades.labels[kind]),
                    "x": xy[mask, 0].tolist(),
                    "y": xy[mask, 1].tolist(),
                    "marker": _marker(shades, kind or 0),
                    "opacity": 0.8,
                    "text": texts[mask].tolist(),
                    "hovertemplate": "%{text}<extra></extra>",
                    "showlegend": kind is not None,
                }
            )
    return traces


def _marker(shades: Shades, kind: int) -> dict[str, Any]:
    """The marker of points of one label, or coloured by their values."""
    if shades.range is None or shades.values is None:
        return {"size": 5, "color": shades.light[kind]}
    low, high = shades.range
    return {
        "size": 5,
        "color": shades.values.tolist(),
        "colorscale": "Viridis",
        "cmin": low,
        "cmax": high,
        "showscale": True,
        "colorbar": {"title": {"text": escape(shades.title)}},
    }


def _handle_trace(name: str, x: float, y: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": name,
        "x": [x],
        "y": [y],
        "text": [name],
        "textfont": {"color": "#fff"},
        "showlegend": False,
        "hoverinfo": "skip",
        "marker": {
            "size": 24,
            "color": HANDLES.get(name, PLAIN),
            "line": {"color": "#fff", "width": 2},
        },
    }
