"""The charts of the Outliers page, in colours that suit a light and a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.catalogue.outlier_scores import Score
from explorer.latent.statistics.outliers import bins, extent

__all__ = ["INLIER", "MARK", "OUTLIER", "histogram", "outlier_map", "two_scores"]

Floats = NDArray[np.float64]

INLIER, OUTLIER, MARK = "#7d8796", "#e8590c", "#4c6ef5"
TICKS = 8  # of a histogram, at most
EDGE = 0.15  # margin of the map within which uploaded pictures are drawn, relative to its size
FEW = 600  # fewer points are drawn larger
FONT = {"family": "Inter, 'Segoe UI', system-ui, sans-serif", "size": 12}
PICTURE = {
    "symbol": "star",
    "size": 15,
    "color": MARK,
    "line": {"color": "white", "width": 1},
}  # of an upload


def histogram(
    values: Floats, outliers: NDArray[np.bool_], cut: float, score: Score, uploads: Floats
) -> go.Figure:
    """The histogram of a score with outliers coloured and its threshold.

    Arguments:
        values: Scores of the images that have one, shape (N,).
        outliers: Which of them are outliers, same shape.
        cut: The threshold, in the score's unit.
        score: The score.
        uploads: Scores of uploaded pictures, finite; those far beyond the collection's are drawn at the end of the axis.
    """
    counts, edges = bins(values)
    figure = go.Figure()
    above = np.histogram(values[outliers], edges)[0]
    widths, middles = np.diff(edges), (edges[:-1] + edges[1:]) / 2
    for title, heights, colour in (("Inlier", counts - above, INLIER), ("Outlier", above, OUTLIER)):
        figure.add_bar(
            x=middles,
            y=heights,
            width=widths,
            name=title,
            marker_color=colour,
            marker_line_width=0,
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate="%{customdata[0]:.4g} to %{customdata[1]:.4g}: %{y:,} images<extra>"
            + title
            + "</extra>",
        )
    figure.add_vline(x=cut, line={"color": OUTLIER, "width": 2, "dash": "dot"})
    ends = extent(values, uploads)
    low, high = min(float(edges[0]), ends[0]), max(float(edges[-1]), ends[1])
    shown = np.clip(uploads, low, high)
    beyond = shown != uploads
    for title, those, symbol in (
        ("Uploaded", ~beyond, "star"),
        ("Uploaded, far beyond the axis", beyond, "star-open"),
    ):
        if those.any():
            figure.add_scatter(
                x=shown[those],
                y=np.full(int(those.sum()), 0.04 * counts.max()),
                mode="markers",
                name=title,
                marker=PICTURE | {"symbol": symbol},
                customdata=uploads[those],
                hovertemplate=title + ": %{customdata:.4g}<extra></extra>",
            )
    room = 0.01 * (high - low)
    figure.update_xaxes(
        title=f"{score.title}, {score.unit}",
        range=[low - room, high + room],
        tick0=0,
        dtick=_step(high - low),
        tickformat=",~g",
    )
    figure.update_yaxes(title=None, showticklabels=False, showgrid=False, rangemode="tozero")
    figure.update_layout(barmode="stack", bargap=0.04)
    return _laid_out(figure, 300)


def outlier_map(
    xy: NDArray[np.float32],
    outliers: NDArray[np.bool_],
    scored: NDArray[np.bool_],
    texts: Sequence[str],
    uploads: NDArray[np.float32],
    names: Sequence[str],
) -> go.Figure:
    """The map of all images, with outliers on top.

    Arguments:
        xy: Map positions, shape (N, 2).
        outliers: Which are outliers, shape (N,).
        scored: Which have a score, shape (N,).
        texts: Hover text of each image.
        uploads: Map positions of uploaded pictures, shape (M, 2); those far off the map are drawn at its edge.
        names: Their titles.
    """
    figure = go.Figure()
    groups = (
        ("Not scored", ~scored, {"size": 3, "color": INLIER, "opacity": 0.18}),
        ("Inlier", scored & ~outliers, {"size": 4, "color": INLIER, "opacity": 0.45}),
        (
            "Outlier",
            outliers,
            {"size": 7, "color": OUTLIER, "opacity": 0.95, "line": {"width": 0.5, "color": "white"}},
        ),
    )
    for title, those, marker in groups:
        if those.any():
            rows = np.flatnonzero(those).tolist()
            figure.add_scattergl(
                x=xy[rows, 0],
                y=xy[rows, 1],
                mode="markers",
                name=title,
                marker=marker,
                customdata=rows,
                text=[texts[row] for row in rows],
                hovertemplate="%{text}<extra>" + title + "</extra>",
            )
    margin = EDGE * np.ptp(xy, axis=0)
    shown = np.clip(np.nan_to_num(uploads, nan=np.inf), xy.min(0) - margin, xy.max(0) + margin)
    beyond = (shown != uploads).any(1)
    for title, those, symbol in (
        ("Uploaded", ~beyond, "star"),
        ("Uploaded, far off the map", beyond, "star-open"),
    ):
        if those.any():
            figure.add_scattergl(
                x=shown[those, 0],
                y=shown[those, 1],
                mode="markers",
                name=title,
                marker=PICTURE | {"symbol": symbol},
                text=[escape(name, quote=False) for name, each in zip(names, those, strict=True) if each],
                hovertemplate="%{text}<extra>" + title + "</extra>",
            )
    for axis in (figure.update_xaxes, figure.update_yaxes):
        axis(title=None, showticklabels=False, showgrid=False, zeroline=False)
    figure.update_layout(dragmode="pan", clickmode="event+select", uirevision="map")
    return _laid_out(figure, 380)


def two_scores(
    one: Floats,
    other: Floats,
    outliers: NDArray[np.bool_],
    scores: tuple[Score, Score],
    cut: float,
    rows: NDArray[np.int64],
    texts: Sequence[str],
) -> go.Figure:
    """A scatter plot of two scores with outliers coloured.

    Arguments:
        one: First score of the images that have both, shape (M,).
        other: Second score, same shape.
        outliers: Which of them are outliers by the first, same shape.
        scores: The two scores.
        cut: The first one's threshold.
        rows: Their rows of the atlas, same shape.
        texts: Hover text of each image of the atlas.
    """
    figure, small = go.Figure(), 4 if len(one) > FEW else 7
    for title, those, colour, size in (
        ("Inlier", ~outliers, INLIER, small),
        ("Outlier", outliers, OUTLIER, small + 2),
    ):
        if those.any():
            figure.add_scattergl(
                x=one[those],
                y=other[those],
                mode="markers",
                name=title,
                customdata=rows[those],
                marker={"size": size, "color": colour, "opacity": 0.6 if title == "Inlier" else 0.95},
                text=[texts[row] for row in rows[those]],
                hovertemplate="%{text}<extra>" + title + "</extra>",
            )
    figure.add_vline(x=cut, line={"color": OUTLIER, "width": 2, "dash": "dot"})
    figure.update_xaxes(title=f"{scores[0].title}, {scores[0].unit}")
    figure.update_yaxes(title=f"{scores[1].title}, {scores[1].unit}")
    return _laid_out(figure, 380)


def _step(span: float) -> float:
    """A round step between ticks; Plotly's own would lie under the bars."""
    rough = span / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * each for each in (1, 2, 5, 10) if size * each >= rough)


def _laid_out(figure: go.Figure, height: int) -> go.Figure:
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 34, "b": 8},
        "font": FONT,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
    }
    figure.update_layout(**layout)
    return figure
