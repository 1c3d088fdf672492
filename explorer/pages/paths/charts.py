"""Plotly charts of the Paths page: paths on the map, and their distance to the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.latent.attribute_values import value_text
from explorer.pages.anatomy.charts import FONT
from explorer.scene.loaded import Loaded
from explorer.scene.view import View

__all__ = ["COLOURS", "TITLES", "path_map", "profile"]

Floats = NDArray[np.float32]

TITLES = {
    "straight": "Straight",
    "great-circle": "Great circle",
    "smooth": "Smooth",
    "geodesic": "Geodesic",
}
# Distinct on light and dark backgrounds and with colour blindness.
COLOURS = {"straight": "#4c7bd9", "great-circle": "#e0982e", "smooth": "#2b9a66", "geodesic": "#c2558c"}
GRID = "#4c7bd9"
PALE = (
    "#7aa6e8",
    "#e8b36b",
    "#79c49c",
    "#d98bb0",
    "#a79be0",
    "#8fc7d6",
    "#cfa38f",
    "#b5b96b",
    "#e39a8b",
    "#9aa7b5",
)
PLAIN = "#9aa7b5"
STOP = "#343b47"  # unlike the colours of the paths and of the handles on Explore
HEIGHT = 470


def path_map(
    loaded: Loaded,
    view: View,
    colour: str | None,
    paths: Mapping[str, Floats],
    stops: Floats,
    names: Sequence[str],
) -> go.Figure:
    """The collection in pale colours, with each path on top.

    All traces use WebGL, because Plotly draws WebGL traces on top of others.

    Arguments:
        loaded: The model.
        view: The map.
        colour: A categorical attribute for the points; None for one colour.
        paths: Kind, or row of a grid -> coordinates (T, 2).
        stops: Coordinates of the waypoints, shape (K, 2).
        names: Label of each waypoint.
    """
    figure = go.Figure()
    _add_collection(figure, loaded, view, colour)
    for kind, xy in paths.items():
        figure.add_scattergl(
            x=xy[:, 0],
            y=xy[:, 1],
            mode="lines+markers",
            name=TITLES.get(kind, kind),
            line={"color": COLOURS.get(kind, GRID), "width": 2.5 if kind in TITLES else 1.2},
            marker={"size": 4 if kind in TITLES else 3},
            showlegend=kind in TITLES,
            hoverinfo="skip",
            unselected={"marker": {"opacity": 1}},
        )
    figure.add_scattergl(
        x=stops[:, 0],
        y=stops[:, 1],
        mode="markers+text",
        text=list(names),
        showlegend=False,
        name="",
        textposition="middle center",
        textfont={"size": 11, "color": "white"},
        hoverinfo="skip",
        marker={"size": 20, "color": STOP, "opacity": 1, "line": {"width": 1.5, "color": "white"}},
        unselected={"marker": {"opacity": 1}, "textfont": {"color": "white"}},
    )
    figure.update_xaxes(
        title=escape(view.axes[0], quote=False) or None,
        showgrid=False,
        zeroline=False,
        showticklabels=view.linear,
    )
    figure.update_yaxes(
        title=escape(view.axes[1], quote=False) or None,
        showgrid=False,
        zeroline=False,
        showticklabels=view.linear,
        scaleanchor="x",
        scaleratio=1,
    )
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 4, "r": 4, "t": 30, "b": 4},
        font=FONT,
        dragmode="pan",
        hovermode="closest",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0},
        uirevision=f"{loaded.name} {view.id}",
        clickmode="event+select",
    )
    return figure


def _add_collection(figure: go.Figure, loaded: Loaded, view: View, colour: str | None) -> None:
    """Adds the points of the collection, in the pale colours of a categorical attribute."""
    attribute = loaded.atlas.attributes.get(colour) if colour else None
    shades: str | list[str] = PLAIN
    labels = [""] * loaded.count
    if attribute is not None and attribute.kind == "categorical":
        shades = [PALE[value % len(PALE)] if value >= 0 else PLAIN for value in attribute.values.tolist()]
        labels = [escape(value_text(attribute, row), quote=False) for row in range(loaded.count)]
    figure.add_scattergl(
        x=view.xy[:, 0],
        y=view.xy[:, 1],
        mode="markers",
        showlegend=False,
        name="",
        marker={"size": 4, "color": shades, "opacity": 0.45, "line": {"width": 0}},
        customdata=np.stack([np.arange(loaded.count).astype(object), np.array(labels, object)], axis=1),
        text=[loaded.atlas.names.name(row) for row in range(loaded.count)],
        unselected={"marker": {"opacity": 0.45}},
        hovertemplate="%{text}<br>%{customdata[1]}<extra></extra>",
    )


def profile(percentiles: Mapping[str, NDArray[np.float64]], at: Mapping[str, Sequence[int]]) -> go.Figure:
    """Distance to the data along each path.

    Arguments:
        percentiles: Kind -> percentile of the distance, 0 to 100, at each latent, shape (T,).
        at: Kind -> indices of the waypoints.
    """
    figure = go.Figure()
    figure.add_hrect(y0=90, y1=100, fillcolor="#d43d51", opacity=0.1, line_width=0)
    for kind, values in percentiles.items():
        progress = np.linspace(0, 100, len(values))
        inner = list(at[kind][1:-1])
        figure.add_scatter(
            x=progress,
            y=values,
            mode="lines",
            name=TITLES[kind],
            line={"color": COLOURS[kind], "width": 2.2},
            hovertemplate=f"{TITLES[kind]}: percentile %{{y:.0f}}<extra></extra>",
        )
        if inner:
            figure.add_scatter(
                x=progress[inner],
                y=values[inner],
                mode="markers",
                showlegend=False,
                hoverinfo="skip",
                marker={"size": 8, "color": COLOURS[kind], "line": {"width": 1.5, "color": "white"}},
            )
    figure.update_xaxes(
        title="along the path, %", range=[0, 100.5], showgrid=False, tickvals=[0, 25, 50, 75, 100]
    )
    figure.update_yaxes(
        title="distance to the data, percentile", range=[0, 101], tickvals=[0, 25, 50, 75, 90, 100]
    )
    figure.update_layout(
        height=250,
        margin={"l": 8, "r": 16, "t": 30, "b": 8},
        font=FONT,
        hovermode="x unified",
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
    )
    return figure
