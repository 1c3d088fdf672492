"""The charts of the Directions page: cosines, and the collection along a direction."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.latent.geometry.principal import principal

__all__ = ["POINTS", "along", "cosine_map", "scatter"]

Floats = NDArray[np.float64]

POINTS = 5000  # most points of the scatter plot
WITH, WITHOUT, QUIET = "#e0982e", "#4c7bd9", "#8b93a3"
FONT = {"family": "Inter, 'Segoe UI', system-ui, sans-serif", "size": 12}
# Blue for opposite, grey for unrelated, amber for similar: distinguishable without red or green vision, and dark enough for
# white numbers.
SCALE = [[0.0, "#2f5fc4"], [0.5, "#6b7280"], [1.0, "#a86200"]]


def cosine_map(cosines: Floats, titles: Sequence[str]) -> go.Figure:
    """A heat map of cosines between directions.

    Arguments:
        cosines: Shape (K, K).
        titles: Titles of the K directions.
    """
    text = [
        [f"{value + 0.0:.2f}".replace("-0.00", "0.00").replace("-", "−") for value in row] for row in cosines
    ]
    names = [escape(title, quote=False) for title in titles]  # Plotly reads some HTML
    figure = go.Figure(
        go.Heatmap(
            z=cosines,
            x=names,
            y=names,
            zmin=-1,
            zmax=1,
            colorscale=SCALE,
            text=text,
            texttemplate="%{text}",
            textfont={"color": "white", "size": 12 if len(titles) < 9 else 10},
            hovertemplate="%{y} · %{x}<br>cosine %{text}<extra></extra>",
            xgap=2,
            ygap=2,
            showscale=False,
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False, tickangle=-35 if len(titles) > 4 else 0)
    return _laid_out(figure, 130 + 38 * len(titles))


def along(z: NDArray[np.float32], vector: NDArray[np.float32], origin: Floats) -> Floats:
    """Positions of latents along a direction and along the first principal component orthogonal to it.

    Arguments:
        z: Latents, shape (N, D).
        vector: The direction, shape (D,).
        origin: The latent that lies at 0, shape (D,).

    Returns:
        Shape (N, 2): in units of the direction, and in the unit of the latents.
    """
    v = np.asarray(vector, np.float64)
    latents = z - np.asarray(origin, np.float64)
    steps = latents @ v / (v @ v)
    rest = latents - steps[:, None] * v
    rest -= rest.mean(0)
    if not rest.any() or rest.shape[1] < 2:
        return np.stack([steps, np.zeros(len(z))], axis=1)
    across = principal(rest, 1)[:, 0]
    return np.stack([steps, rest @ (across * (-1 if across[np.abs(across).argmax()] < 0 else 1))], axis=1)


def scatter(
    places: Floats, sides: Sequence[tuple[str, NDArray[np.bool_]]], items: NDArray[np.int64], title: str
) -> go.Figure:
    """The collection along a direction, coloured by the sides.

    Arguments:
        places: From `along`, shape (N, 2).
        sides: Title and mask (N,) of the side with, then of the side without; empty if there are no sides.
        items: Number of each image, shape (N,).
        title: Title of the direction.
    """
    figure = go.Figure()
    rest = np.ones(len(places), bool)
    parts = []
    for (name, mask), colour in zip(sides, (WITH, WITHOUT), strict=False):
        parts.append((name, mask, colour, 0.75))
        rest &= ~mask
    if rest.any():
        parts.insert(0, ("neither" if sides else "images", rest, QUIET, 0.35 if sides else 0.7))
    for name, mask, colour, opacity in parts:
        figure.add_trace(
            go.Scattergl(
                x=places[mask, 0],
                y=places[mask, 1],
                mode="markers",
                name=escape(name, quote=False),
                customdata=items[mask],
                marker={"size": 4, "color": colour, "opacity": opacity},
                hovertemplate="image %{customdata}<br>s = %{x:.2f}<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(title=f"steps of {escape(title[:40], quote=False)}", zeroline=False)
    figure.update_yaxes(title="first principal component of the rest", zeroline=False)
    if sides:
        for s in (0, 1):
            figure.add_vline(x=s, line_width=1, line_dash="dot", line_color=QUIET)
    figure.update_layout(
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemsizing": "constant"}
    )
    return _laid_out(figure, 400)


def _laid_out(figure: go.Figure, height: int) -> go.Figure:
    figure.update_layout(height=height, margin={"l": 8, "r": 8, "t": 8, "b": 8}, font=FONT)
    figure.update_xaxes(automargin=True).update_yaxes(automargin=True)
    return figure
