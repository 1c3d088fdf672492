"""Plotly charts of the Anatomy page, in colours that are visible on light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

__all__ = ["COST", "LINES", "RATE", "bound_bars", "growth", "kl_bars", "short"]

Floats = NDArray[np.float64]

COST, RATE = "#4c7bd9", "#e0982e"  # reconstruction and KL, as everywhere on the page
QUIET = "#8b93a3"
ROOM = 0.08  # share of the chart's width that a number inside a bar needs
FEW = 12  # fewer bars than this do not fill the chart
TICKS = 17  # labels of dimensions that fit below it
NEAR = 8  # the naive estimate is shown within this many gaps between bound and weighted estimate
LINES = {
    "naive": ("Naive Monte Carlo", "#c2558c"),
    "bound": ("ELBO", RATE),
    "importance": ("Importance-weighted", COST),
}
FONT = {"family": "Inter, 'Segoe UI', system-ui, sans-serif", "size": 12}


def bound_bars(terms: dict[str, tuple[float, float]]) -> go.Figure:
    """-ELBO as stacked bars of its two terms.

    Arguments:
        terms: Label of a bar -> reconstruction term and KL term, nats per image.
    """
    names = list(terms)[::-1]
    ends = [sum(term for term in terms[name] if term > 0) for name in names]
    starts = [sum(term for term in terms[name] if term < 0) for name in names]
    span = max(ends) - min(starts)
    figure = go.Figure()
    for index, (title, colour) in enumerate((("Reconstruction", COST), ("KL", RATE))):
        values = [terms[name][index] for name in names]
        figure.add_bar(
            x=values,
            y=names,
            name=title,
            orientation="h",
            marker_color=colour,
            marker_cornerradius=4,
            width=0.6,
            text=[short(value) if abs(value) > ROOM * span else "" for value in values],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            customdata=[short(value) for value in values],
            hovertemplate=f"{title}: %{{customdata}} nats<extra>%{{y}}</extra>",
        )
    for name, end in zip(names, ends, strict=True):
        total = f"−ELBO {short(sum(terms[name]))}"
        figure.add_annotation(x=end, y=name, text=total, showarrow=False, xanchor="left", xshift=7)
    figure.update_layout(
        barmode="relative",
        bargap=0.25,
        uniformtext={"minsize": 9, "mode": "hide"},
        legend_traceorder="normal",
    )
    figure.update_xaxes(title="nats per image", zeroline=True, range=[min(starts), max(ends) + 0.27 * span])
    return _laid_out(figure, 64 + 62 * len(names))


def kl_bars(kl: Floats, average: Floats, active: NDArray[np.bool_], shown: Sequence[int]) -> go.Figure:
    """KL of each dimension, largest first.

    Arguments:
        kl: KL of this image, shape (D,), nats.
        average: Mean over the test images, same shape.
        active: Mask of the active dimensions.
        shown: Dimensions on the map.
    """
    order = np.argsort(-kl, kind="stable")
    ticks = [str(dimension) for dimension in order]
    rank = list(range(len(order)))
    figure = go.Figure()
    for title, mask, colour in (("Active", active[order], RATE), ("Inactive", ~active[order], QUIET)):
        if mask.any():
            figure.add_bar(
                x=np.flatnonzero(mask).tolist(),
                y=kl[order][mask],
                name=title,
                marker_color=colour,
                marker_line_width=0,
                customdata=np.stack([order[mask], average[order][mask]], axis=1),
                hovertemplate="Dimension %{customdata[0]}: %{y:.2f} nats"
                "<br>test average %{customdata[1]:.2f}<extra></extra>",
            )
    figure.add_scatter(
        x=rank,
        y=average[order],
        mode="markers",
        name="Test average",
        hoverinfo="skip",
        marker={
            "symbol": "line-ew",
            "size": max(4, min(16, 420 // len(rank))),
            "line": {"width": 2, "color": COST},
        },
    )
    rank_of = {int(dimension): index for index, dimension in enumerate(order)}
    for dimension in shown:
        figure.add_annotation(
            x=rank_of[dimension],
            y=max(kl[dimension], average[dimension]),
            text="▼",
            showarrow=False,
            yshift=9,
            font={"size": 9},
        )
    every = -(-len(ticks) // TICKS)
    margin = 0.5 + max(0, FEW - len(ticks)) / 2  # keeps a few bars narrow
    figure.update_xaxes(
        title="dimension",
        tickvals=rank[::every],
        ticktext=ticks[::every],
        tickangle=0,
        range=[-margin, len(order) - 1 + margin],
        tickfont={"size": 10},
        showgrid=False,
    )
    figure.update_yaxes(title="nats", rangemode="tozero")
    figure.update_layout(bargap=0.18)
    return _laid_out(figure, 300)


def growth(curves: dict[str, Any]) -> tuple[go.Figure, list[str]]:
    """The three estimates over the number of samples, and the titles of those below the chart.

    Arguments:
        curves: Result of `explorer.jobs.likelihood_estimates.curves`.
    """
    figure = go.Figure()
    for name in ("importance", "bound", "naive"):
        title, colour = LINES[name]
        figure.add_scatter(
            x=curves["counts"],
            y=curves[name],
            name=title,
            mode="lines",
            line={"color": colour, "width": 2.2},
            hovertemplate=f"{title}: %{{y:,.2f}}<extra></extra>",
        )
    low, high = _window(curves)
    figure.update_xaxes(
        type="log",
        title="samples L",
        range=[0, np.log10(max(10, curves["counts"][-1]))],
        dtick=1,
        minor={"showgrid": False},
    )
    figure.update_yaxes(title="estimate of log p(x), nats", range=[low, high])
    figure.update_layout(hovermode="x unified")
    off = [LINES[name][0] for name in LINES if max(curves[name]) < low]
    return _laid_out(figure, 340), off


def _window(curves: dict[str, Any]) -> tuple[float, float]:
    """A range that separates the bound from the weighted estimate, with the naive one if it is near."""
    bound, best = curves["bound"][-1], curves["importance"][-1]
    gap = max(best - bound, 1.0)
    low = min(min(curves["bound"]), min(curves["importance"]))
    if curves["naive"][-1] > best - NEAR * gap:
        low = min(low, curves["naive"][-1] - 2 * gap)
    low = max(low, best - 2 * NEAR * gap)
    high = max(max(curves[name]) for name in LINES)
    return low - 0.4 * gap, high + 0.6 * gap


def _laid_out(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        font=FONT,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
    )
    return figure


def short(value: float, sign: bool = False) -> str:
    """A number rounded for display, with a typographic minus sign, and a plus sign if `sign`."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    text = f"{value:{'+' if sign else ''},.{digits}f}"
    return text.replace("-", "−")
