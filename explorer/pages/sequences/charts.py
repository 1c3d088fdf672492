"""Plotly charts of the Time page, in colours that are visible on light and dark pages."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.latent.statistics.beliefs import band
from explorer.pages.anatomy.charts import COST, FONT, QUIET, RATE

__all__ = ["direction", "entropies", "errors", "state_spread"]

Floats = NDArray[np.float64]

HEIGHT = 300
BAND = "rgba(76, 123, 217, 0.2)"


def state_spread(std: Floats, top: int, seen: int) -> go.Figure:
    """Heat map of the standard deviation of each component of the state after each frame.

    Arguments:
        std: Shape (T, D), the top layer first.
        top: Number of components of the top layer.
        seen: Number of frames seen; marked by a line.
    """
    order = np.concatenate([_by_change(std, range(top)), _by_change(std, range(top, std.shape[1]))])
    names = [f"{'z²' if number < top else 'z¹'} {number}" for number in order]
    figure = go.Figure()
    figure.add_heatmap(
        x=np.arange(1, len(std) + 1),
        y=list(range(len(order))),
        z=np.log10(std[:, order].T),
        colorscale="Viridis",
        customdata=std[:, order].T,
        text=np.repeat(np.array(names)[:, None], len(std), 1),
        hovertemplate="%{text} after frame %{x}: σ = %{customdata:.3f}<extra></extra>",
        colorbar={"title": {"text": "σ"}, "thickness": 10, "outlinewidth": 0, **_decades(std)},
    )
    figure.add_hline(y=top - 0.5, line={"width": 2, "color": "#ffffff"})
    figure.add_vline(x=seen + 0.5, line={"width": 2, "color": RATE})
    middles = [(top - 1) / 2, top + (len(order) - top - 1) / 2]
    figure.update_yaxes(
        tickvals=middles,
        ticktext=["z² top", "z¹ bottom"],
        tickangle=-90,
        autorange="reversed",
        showgrid=False,
    )
    figure.update_xaxes(title="frames seen", showgrid=False, dtick=_tick(len(std)))
    return _laid_out(figure)


def direction(share: Floats, seen: int) -> go.Figure:
    """Share of jumps in the true direction, after each frame.

    Arguments:
        share: Shape (T,).
        seen: Number of frames seen; marked by a line.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=np.arange(1, len(share) + 1),
        y=100 * share,
        mode="lines+markers",
        name="Jumps in the true direction",
        line={"color": COST, "width": 2.2},
        marker={"size": 5},
        hovertemplate="after frame %{x}: %{y:.0f} %<extra></extra>",
    )
    figure.add_hline(
        y=50,
        line={"width": 1, "dash": "dot", "color": QUIET},
        annotation_text="chance",
        annotation_font_color=QUIET,
        annotation_position="bottom right",
    )
    figure.add_vline(x=seen + 0.5, line={"width": 2, "color": RATE})
    figure.update_yaxes(title="jumps in the true direction, %", range=[-4, 104])
    figure.update_xaxes(title="frames seen", dtick=_tick(len(share)), range=[0.5, len(share) + 0.5])
    return _laid_out(figure)


def entropies(top: Floats, bottom: Floats, seen: int) -> go.Figure:
    """Differential entropy of both layers of a belief after each frame.

    Arguments:
        top: Entropy of the top layer, nats, (T,).
        bottom: Entropy of the bottom layer given the top, nats, (T,).
        seen: Number of frames seen; marked by a line.
    """
    figure = go.Figure()
    for name, values, colour in (("z² top", top, COST), ("z¹ bottom, given z²", bottom, QUIET)):
        figure.add_scatter(
            x=np.arange(1, len(values) + 1),
            y=values,
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2.2},
            marker={"size": 5},
            hovertemplate=f"{name} after frame %{{x}}: %{{y:.1f}} nats<extra></extra>",
        )
    figure.add_vline(x=seen + 0.5, line={"width": 2, "color": RATE})
    figure.update_yaxes(title="differential entropy, nats")
    figure.update_xaxes(title="frames seen", dtick=_tick(len(top)), range=[0.5, len(top) + 0.5])
    return _laid_out(figure)


def errors(
    frames: NDArray[np.int64], values: Floats, unit: str, shown: int, still: Floats | None = None
) -> go.Figure:
    """A metric of each sample over the future frames, with mean and spread.

    Arguments:
        frames: Number of each frame, (N,).
        values: (S, N).
        unit: Unit of the values.
        shown: Number of samples drawn as lines.
        still: The metric of repeating the last seen frame, (N,).
    """
    whole = band(values)
    figure = go.Figure()
    edge: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(x=frames, y=whole.high, showlegend=False, **edge)
    figure.add_scatter(x=frames, y=whole.low, name="middle 80 %", fill="tonexty", fillcolor=BAND, **edge)
    for number, row in enumerate(values[:shown]):
        figure.add_scatter(
            x=frames,
            y=row,
            mode="lines",
            line={"width": 1, "color": QUIET},
            opacity=0.6,
            showlegend=number == 0,
            name="samples shown",
            hovertemplate=f"sample {number + 1}: %{{y:,.4~g}}<extra></extra>",
        )
    figure.add_scatter(
        x=frames,
        y=whole.mean,
        mode="lines+markers",
        name=f"mean of {len(values)}",
        line={"width": 2.4, "color": COST},
        marker={"size": 5},
        hovertemplate="mean: %{y:,.4~g}<extra></extra>",
    )
    if still is not None:
        figure.add_scatter(
            x=frames,
            y=still,
            mode="lines",
            name="last seen frame, repeated",
            line={"width": 1.8, "dash": "dash", "color": RATE},
            hovertemplate="last seen frame: %{y:,.4~g}<extra></extra>",
        )
    figure.update_yaxes(title=unit, rangemode="tozero")
    figure.update_xaxes(title="frame", dtick=_tick(int(frames[-1] - frames[0]) + 1))
    figure.update_layout(hovermode="x")
    return _laid_out(figure, 330)


def _by_change(std: Floats, numbers: range) -> NDArray[np.int64]:
    """Components of the state, by decreasing change of their spread."""
    columns = np.array(numbers, np.int64)
    return columns[np.argsort(-np.log(std[:, columns]).std(0), kind="stable")]


def _decades(std: Floats) -> dict[str, Any]:
    """Ticks of a logarithmic colour scale."""
    low, high = np.log10(std.min()), np.log10(std.max())
    marks = [m * 10.0**e for e in range(-7, 8) for m in (1, 2, 5) if low <= np.log10(m * 10.0**e) <= high]
    return {"tickvals": np.log10(marks).tolist(), "ticktext": [f"{mark:g}" for mark in marks]}


def _tick(length: int) -> int:
    """Frames between two ticks."""
    return max(1, -(-length // 12))


def _laid_out(figure: go.Figure, height: int = HEIGHT) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        font=FONT,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0, "title": None},
    )
    return figure
