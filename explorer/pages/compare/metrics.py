"""Figures of several models side by side: the cards' metrics, series over the dimension, latent spaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue.metrics import name_of, protocol
from explorer.latent.statistics.registry import STATISTICS, tooltip
from explorer.latent.statistics.similarity import (
    Reach,
    by_chance,
    cka,
    effective_dimensions,
    explained,
    label_agreement,
    linear_reach,
    nearest_others,
    neighbours_kept,
)
from explorer.pages.compare.choice import Series, kind, ladders, latent, ready_series
from explorer.pages.compare.pictures import (
    STYLE,
    drawn,
    image,
    key,
    letter,
    normal_prior,
    originals,
    reconstructed,
    title,
)
from explorer.pages.shared.curve_charts import COLOURS
from explorer.pages.shared.layout import side_by_side
from explorer.pages.shared.plotly_chart import drawn as chart_of
from explorer.pages.shared.plotly_chart import plotted
from explorer.pages.shared.text import plain
from explorer.scene.comparison import Lineup
from models.card import Card, Entry

__all__ = ["dimensions", "metrics", "spaces"]

Cards = Sequence[Card | None]  # one a model of the lineup

CURVES = ("mse", "kl", "loss")  # of a series over the dimension
PROBE = "probe"  # in the name of a linear probe's figure
NEIGHBOURS = 10
QUERIES = 1000  # images whose neighbours are compared
STRIP = 10  # pictures in a row of a series
PIXELS = "Pixels"
MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}  # of a chart, pixels
COMPONENTS = 50  # of the chart of the latents' variance
MARK = " ≠"  # behind a figure that was measured in different ways
MATRIX = """<style>
.lxc-matrix { border-collapse: collapse; border: 0; width: auto; margin: 0; }
.lxc-matrix th, .lxc-matrix td { border: 0; padding: 6px 10px; font-size: 13px; font-weight: 400; text-align: center;
  min-width: 58px; font-variant-numeric: tabular-nums; }
.lxc-matrix th[scope="row"] { text-align: right; white-space: nowrap; }
.lxc-matrix td { border-radius: 4px; }
</style>"""


# Metrics


def metrics(known: Cards) -> None:
    """The cards' figures as a table that can be sorted by any of them, and how each was measured."""
    cards = [(number, card) for number, card in enumerate(known) if card]
    names = list(dict.fromkeys(name for _, card in cards for name in card.metrics))
    if not names:
        st.info(
            "None of these models was measured yet. `python -m models evaluate NAME --write` keeps the figures in a card.",
            icon=":material/info:",
        )
        return
    table: dict[str, list[Any]] = {
        "Model": [f"{letter(number)} · {card.title}" for number, card in cards],
        "Kind": [kind(card) for _, card in cards],
        "Dimensions": [latent(card) or None for _, card in cards],
    }
    config: dict[str, Any] = {"Model": st.column_config.TextColumn(pinned=True)}
    differs = False
    for name in names:
        figures = [card.metrics.get(name, {}) for _, card in cards]
        units = {figure["unit"] for figure in figures if figure}
        protocols = list(dict.fromkeys(protocol(card, name) for _, card in cards if name in card.metrics))
        unlike = len({_kind_of(told) for told in protocols}) > 1 and not _readable(name)
        differs |= unlike
        label = name_of(name) + (f" ({units.pop()})" if len(units) == 1 and units != {""} else "")
        label += MARK if unlike else ""
        table[label] = [figure.get("value") for figure in figures]
        config[label] = st.column_config.NumberColumn(help="\n\n".join(map(plain, protocols)), format="%.4g")
    st.dataframe(table, column_config=config, hide_index=True, placeholder="–", key="compare_metrics")
    told = "Click a column's head to sort by it; hold the pointer over it to see how it was measured."
    marked = f" {MARK.strip()} marks figures that do not compare: they were measured in different ways."
    st.caption(told + (marked if differs else ""))
    with st.expander("How each figure was measured"):
        st.dataframe(_protocols(cards), hide_index=True, key="compare_protocols")


def _kind_of(told: str) -> str:
    """A protocol without its latent's name, the seeds of its runs and its own results, which do not make it another one."""
    alike = re.sub(r"posterior mean\b|latent\b", "mean", told.partition("; runs of seeds")[0])
    return re.sub(r"\b\d+\.\d+ to \d+\.\d+\b", "", alike)


def _readable(name: str) -> bool:
    """Whether a figure's protocol holds figures of its own, which differ from model to model."""
    return name.startswith("readable_")


def _protocols(cards: Sequence[tuple[int, Any]]) -> dict[str, list[Any]]:
    rows = [
        (f"{letter(number)} · {card.title}", name_of(name), f.get("value"), f.get("unit"), protocol(card, name), f.get("command"))
        for number, card in cards
        for name, f in card.metrics.items()
    ]  # fmt: skip
    heads = ("Model", "Figure", "Value", "Unit", "Protocol", "Command")
    return {head: [row[place] for row in rows] for place, head in enumerate(heads)}


# Series over the dimension


def dimensions(
    lineup: Lineup,
    cards: Cards,
    found: Sequence[Entry],
    data_title: str,
    choose: Callable[[tuple[str, ...]], None],
) -> None:
    """What more dimensions bring: figures over the dimension, and the same images with 2, 5, 10, 20 of them.

    Arguments:
        lineup: The models.
        cards: Their cards.
        found: All usable checkpoints of their data set.
        data_title: Of the data set.
        choose: Called with the names of a series that is to be shown.
    """
    here = ladders([model.entry for model in lineup.models])
    if not here:
        known = [series for series in ready_series(data_title, found) if " dimensions" in series.title]
        _offer(known, choose)
        return
    for ladder in here:
        places = {model.name: number for number, model in enumerate(lineup.models)}
        steps = [places[entry.name] for entry in ladder]
        st.markdown(f"**{plain(kind(ladder[0].card))}** over the dimension of its code")
        _curves([cards[step] for step in steps])
        st.html(STYLE + _strips(lineup, key(lineup), tuple(steps), lineup.models[0].originals.state))


def _offer(known: Sequence[Series], choose: Callable[[tuple[str, ...]], None]) -> None:
    st.info(
        "A series needs two models of one kind whose codes differ in size. "
        + ("This data set has one:" if known else "Train them with `--set latent=2`, `latent=5` and so on."),
        icon=":material/linear_scale:",
    )
    for series in known:
        st.button(series.title, key=f"ladder-{'-'.join(series.names)}", on_click=choose, args=(series.names,))


def _curves(cards: Cards) -> None:
    """A small chart a figure that at least two cards know."""
    charts = []
    for name in CURVES:
        those = [card for card in cards if card and name in card.metrics]
        figures = [(latent(card), card.metrics[name]) for card in those]
        if len(figures) > 1:
            charts.append((name, figures, dict.fromkeys(protocol(card, name) for card in those)))
    if not charts:
        st.caption("Fewer than two of their cards hold figures: `python -m models evaluate NAME --write`.")
        return
    for place, (name, figures, protocols) in zip(
        side_by_side([1] * len(CURVES), "lxc-curves", narrow=800), charts, strict=False
    ):
        unit = figures[0][1]["unit"]
        head = f"{name_of(name)}{f' ({unit})' if unit else ''}"
        with place:
            chart_of(
                _line_chart([(size, figure["value"]) for size, figure in figures], head),
                f"compare-{name}",
                f"{name}-over-dimensions",
            )
        place.caption(plain("; ".join(protocols)))


def _line_chart(points: list[tuple[int, float]], head: str) -> dict[str, Any]:
    """A figure over the dimension, one tick a point."""
    sizes, values = zip(*points, strict=True)
    return {
        "data": [
            {"type": "scatter", "mode": "lines+markers", "x": sizes, "y": values, "name": head,
             "hovertemplate": "%{x} dimensions: %{y:.4g}<extra></extra>"}
        ],
        "layout": {
            "height": 220,
            "margin": MARGIN,
            "xaxis": {"title": {"text": "dimensions"}, "type": "log", "tickvals": sizes, "showgrid": False},
            "yaxis": {"title": {"text": head}, "automargin": True},
        },
    }  # fmt: skip


@st.cache_data(max_entries=10, show_spinner=False)
def _strips(_lineup: Lineup, key: object, steps: tuple[int, ...], ready: str) -> str:
    """A row of the same images a size, and a row of samples where the models have a prior."""
    lineup, items = _lineup, list(range(min(STRIP, _lineup.count)))
    rows: list[tuple[str, list[str]]] = []
    truth = [picture for picture in originals(lineup, items) if picture is not None]
    if len(truth) == len(items):
        rows.append(("Original", [image(picture, "Original") for picture in truth]))
    for step in steps:
        name = f"{lineup.models[step].latent} dimensions"
        rows.append(
            (name, [image(p, f"Reconstruction with {name}") for p in reconstructed(lineup, step, items)])
        )
    for step in steps:
        model = lineup.models[step]
        if normal_prior(model):
            name = f"{model.latent} dimensions, samples"
            rows.append((name, [image(p, name) for p in drawn(model, len(items), 0)]))
    cells = "".join(f"<span>{escape(name)}</span>{''.join(pictures)}" for name, pictures in rows)
    columns = f"minmax(90px, 150px) repeat({len(items)}, minmax(30px, 68px))"
    return f'<div class="lxc-strip" style="grid-template-columns: {columns}">{cells}</div>'


# Latent spaces


class Spaces(NamedTuple):
    """How alike the latent spaces of M models are; with pixels as one more row where the originals are here."""

    names: list[str]
    kept: NDArray[np.float64]  # (R, R), share of neighbours kept
    chance: float
    reach: list[list[Reach]]  # (M, M), how much of column's space a linear map of row's tells
    alike: NDArray[np.float64]  # (M, M), CKA
    explained: list[NDArray[np.float64]]  # of each model
    effective: list[float]
    label: str  # the attribute that neighbours were asked about, empty for none
    agreement: list[float]


def spaces(lineup: Lineup, cards: Cards) -> None:
    """Whether models put the same images near each other, and how each fills its space."""
    found = _spaces(lineup, key(lineup), lineup.models[0].originals.state)
    left, right = side_by_side((1, 1), "lxc-alike")
    with left:
        st.markdown("**Neighbours kept**")
        st.html(_matrix(found.kept, found.names, symmetric=True))
        st.caption(
            f"Of the {NEIGHBOURS} nearest images of an image in one latent space, the share that is among the "
            f"{NEIGHBOURS} nearest in the other, %; by chance {100 * found.chance:.1f}. Mean over "
            f"{min(QUERIES, lineup.count):,} of {lineup.count:,} images."
        )
    with right:
        st.markdown("**What one space tells of the other**")
        letters = [letter(n) for n in range(len(lineup.models))]
        r2 = np.array([[each.r2.value for each in row] for row in found.reach])
        st.html(
            _matrix(
                r2,
                letters,
                symmetric=False,
                hints=[[_reach_hint(each) for each in row] for row in found.reach],
            )
        )
        st.caption(
            "How much of the column's latents a linear map of the row's latents predicts: R² in %, on every other image; the "
            "interval is shown on hover. A linear autoencoder and PCA span the same subspace: 100 both ways.",
            help=tooltip("linear_reach"),
        )
        st.markdown("**Linear CKA**")
        st.html(_matrix(found.alike, letters, symmetric=True))
        st.caption(f"{STATISTICS['cka'].definition} In %; unrelated spaces have 0.", help=tooltip("cka"))
    left, right = side_by_side((1, 1), "lxc-filled")
    with left:
        st.markdown("**Variance of the latents**")
        plotted(_variance_chart(lineup, found), "compare-variance", "variance-of-latents")
        st.caption(
            "The share of the latents' variance in their first principal components. It tells how a latent space is filled, "
            "not how much of the images a model explains."
        )
    with right:
        st.markdown("**How each space is filled**")
        st.dataframe(
            _filled(lineup, cards, found),
            column_config=_filled_config(found),
            hide_index=True,
            placeholder="–",
            key="compare_filled",
        )
        st.caption(_filled_note(found))


@st.cache_data(max_entries=10, show_spinner="Comparing the latent spaces …")
def _spaces(_lineup: Lineup, key: object, ready: str) -> Spaces:
    lineup = _lineup
    codes = [model.atlas.mean[rows] for model, rows in zip(lineup.models, lineup.rows, strict=True)]
    k = min(NEIGHBOURS, lineup.count - 1)
    queries = np.unique(np.linspace(0, lineup.count - 1, min(QUERIES, lineup.count)).astype(np.int64))
    near = [nearest_others(z, queries, k) for z in codes]
    label, values = _labels(lineup)
    agreement = [label_agreement(own, queries, values) for own in near] if values is not None else []
    names = [letter(number) for number in range(len(codes))]
    truth = [picture for picture in originals(lineup, range(lineup.count)) if picture is not None]
    if len(truth) == lineup.count:
        near.append(nearest_others(np.stack(truth).reshape(len(truth), -1), queries, k))
        names.append(PIXELS)
    kept = np.array([[neighbours_kept(a, b) for b in near] for a in near])
    reach = [[linear_reach(a, b) for b in codes] for a in codes]
    alike = np.array([[cka(a, b) for b in codes] for a in codes])
    effective = [effective_dimensions(z) for z in codes]
    return Spaces(
        names, kept, by_chance(lineup.count, k), reach, alike, [explained(z) for z in codes], effective, label, agreement
    )  # fmt: skip


def _labels(lineup: Lineup) -> tuple[str, NDArray[Any] | None]:
    """The first categorical attribute of the shared images."""
    atlas = lineup.models[0].atlas
    for attribute in atlas.attributes.values():
        if attribute.kind == "categorical":
            return attribute.title, attribute.values[lineup.rows[0]]
    return "", None


def _reach_hint(reach: Reach) -> str:
    """The interval of an R², and whether it is more than chance."""
    chance = "" if reach.p_value <= 0.05 else f"; no more than chance (p = {reach.p_value:.2f})"
    return f"95 % interval {100 * reach.r2.low:.0f} to {100 * reach.r2.high:.0f}{chance}".replace("-", "−")


def _matrix(
    values: NDArray[np.float64],
    names: Sequence[str],
    *,
    symmetric: bool,
    hints: Sequence[Sequence[str]] | None = None,
) -> str:
    """Shares as a table whose cells are the darker the larger they are; nothing on the diagonal.

    Arguments:
        values: Shape (R, R).
        names: Of the rows and columns.
        symmetric: Whether to leave the upper half out.
        hints: Shown on hover, (R, R).
    """
    columns = range(len(names) - 1 if symmetric else len(names))
    head = "".join(f'<th scope="col">{escape(names[c])}</th>' for c in columns)
    rows = []
    for r in range(1 if symmetric else 0, len(names)):
        cells = []
        for c in columns:
            if r == c or (symmetric and c > r):
                cells.append("<td></td>")
                continue
            share = float(np.clip(values[r, c], 0, 1))
            ground = f"color-mix(in srgb, var(--st-primary-color, #3b5bdb) {60 * share:.0f}%, transparent)"
            hint = f' title="{escape(hints[r][c])}"' if hints else ""
            cells.append(f'<td style="background: {ground}"{hint}>{100 * values[r, c]:.0f}</td>')
        rows.append(f'<tr><th scope="row">{escape(names[r])}</th>{"".join(cells)}</tr>')
    table = f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'{MATRIX}<table class="lxc-matrix">{table}</table>'


def _variance_chart(lineup: Lineup, found: Spaces) -> dict[str, Any]:
    lines = [
        {
            "type": "scatter", "mode": "lines+markers", "name": letter(number), "marker": {"size": 5},
            "line": {"color": COLOURS[number % len(COLOURS)]},
            "x": list(range(1, len(shares) + 1)), "y": [float(share) for share in shares],
            "hovertemplate": f"{escape(title(model))}: %{{y:.1%}} in %{{x}} components<extra></extra>",
        }
        for number, model in enumerate(lineup.models)
        for shares in [found.explained[number][:COMPONENTS]]
    ]  # fmt: skip
    return {
        "data": lines,
        "layout": {
            "height": 260,
            "margin": MARGIN,
            "showlegend": True,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "xaxis": {"title": {"text": "components"}, "showgrid": False, "tickformat": "d"},
            "yaxis": {"tickformat": ".0%", "automargin": True},
        },
    }


def _filled(lineup: Lineup, cards: Cards, found: Spaces) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {
        "Model": [f"{letter(n)} · {title(model)}" for n, model in enumerate(lineup.models)],
        "Dimensions": [model.latent for model in lineup.models],
        "Effective": found.effective,
        "First two": [100 * float(shares[:2][-1]) for shares in found.explained],
    }
    if found.agreement:
        table[f"Same {found.label.lower()}"] = [100 * share for share in found.agreement]
    for name in probes(cards):
        figures = [card.metrics.get(name, {}) if card else {} for card in cards]
        unit = next((figure["unit"] for figure in figures if figure.get("unit")), "")
        table[name_of(name) + (f" ({unit})" if unit else "")] = [figure.get("value") for figure in figures]
    return table


def probes(cards: Cards) -> list[str]:
    """Names of the figures of linear probes in the cards."""
    return list(dict.fromkeys(name for card in cards if card for name in card.metrics if PROBE in name))


def _filled_config(found: Spaces) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Effective": st.column_config.NumberColumn(format="%.1f"),
        "First two": st.column_config.NumberColumn(format="%.1f %%"),
    }
    if found.agreement:
        config[f"Same {found.label.lower()}"] = st.column_config.NumberColumn(format="%.1f %%")
    return config


def _filled_note(found: Spaces) -> str:
    told = (
        f"Effective: {STATISTICS['effective_dimensions'].definition} It is (Σλ)² / Σλ², λ the variances of the principal "
        "components, with the bias of few images removed. "
        "First two: share of the variance in the first two principal components."
    )
    if found.agreement:
        told += f" Same {found.label.lower()}: share of the {NEIGHBOURS} nearest images with the image's own."
    return told
