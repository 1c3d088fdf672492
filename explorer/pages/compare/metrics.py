"""Metrics of several models: from the cards, over the latent size, and similarity of latent spaces."""

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
    neighbour_overlap,
)
from explorer.pages.compare.choice import Series, kind, ladders, latent, ready_series
from explorer.pages.compare.pictures import (
    STYLE,
    image,
    key,
    letter,
    normal_prior,
    originals,
    prior_samples,
    reconstructed,
    title,
)
from explorer.pages.shared.curve_charts import COLOURS
from explorer.pages.shared.layout import side_by_side
from explorer.pages.shared.plotly_chart import draw_chart, draw_downloadable_chart
from explorer.pages.shared.text import plain
from explorer.scene.comparison import Comparison
from models.card import Card, Entry

__all__ = ["dimensions", "metrics", "spaces"]

Cards = Sequence[Card | None]  # one per compared model

CURVES = ("mse", "kl", "loss")  # metrics plotted over the latent size
PROBE = "probe"  # in the name of a linear probe's metric
NEIGHBOURS = 10
QUERIES = 1000  # images whose neighbours are compared
STRIP = 10  # pictures in a row of a series
PIXELS = "Pixels"
MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}  # pixels
COMPONENTS = 50  # in the chart of the latents' variance
MARK = " ≠"  # after a metric that was measured with different protocols
MATRIX = """<style>
.lxc-matrix { border-collapse: collapse; border: 0; width: auto; margin: 0; }
.lxc-matrix th, .lxc-matrix td { border: 0; padding: 6px 10px; font-size: 13px; font-weight: 400;
    text-align: center;
  min-width: 58px; font-variant-numeric: tabular-nums; }
.lxc-matrix th[scope="row"] { text-align: right; white-space: nowrap; }
.lxc-matrix td { border-radius: 4px; }
</style>"""


# Metrics


def metrics(known: Cards) -> None:
    """The cards' metrics as a sortable table, and how each was measured."""
    cards = [(number, card) for number, card in enumerate(known) if card]
    names = list(dict.fromkeys(name for _, card in cards for name in card.metrics))
    if not names:
        st.info(
            "None of these models was evaluated yet. `python -m models evaluate NAME --write` stores "
            "metrics in a card.",
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
        values = [card.metrics.get(name, {}) for _, card in cards]
        units = {value["unit"] for value in values if value}
        protocols = list(dict.fromkeys(protocol(card, name) for _, card in cards if name in card.metrics))
        unlike = len({_comparable(each) for each in protocols}) > 1 and not _readable(name)
        differs |= unlike
        label = name_of(name) + (f" ({units.pop()})" if len(units) == 1 and units != {""} else "")
        label += MARK if unlike else ""
        table[label] = [value.get("value") for value in values]
        config[label] = st.column_config.NumberColumn(help="\n\n".join(map(plain, protocols)), format="%.4g")
    st.dataframe(table, column_config=config, hide_index=True, placeholder="–", key="compare_metrics")
    note = "Click a column's head to sort by it; hover over it to see how it was measured."
    marked = (
        f" {MARK.strip()} marks metrics that are not comparable: they were measured with different protocols."
    )
    st.caption(note + (marked if differs else ""))
    with st.expander("How each metric was measured"):
        st.dataframe(_protocols(cards), hide_index=True, key="compare_protocols")


def _comparable(text: str) -> str:
    """A protocol without the parts that do not affect comparability: the latent's name, seeds, results."""
    common = re.sub(r"posterior mean\b|latent\b", "mean", text.partition("; runs of seeds")[0])
    return re.sub(r"\b\d+\.\d+ to \d+\.\d+\b", "", common)


def _readable(name: str) -> bool:
    """Whether a metric's protocol contains results, which differ between models."""
    return name.startswith("readable_")


def _protocols(cards: Sequence[tuple[int, Any]]) -> dict[str, list[Any]]:
    measured = [(number, card, name) for number, card in cards for name in card.metrics]
    values = [card.metrics[name] for _, card, name in measured]
    return {
        "Model": [f"{letter(number)} · {card.title}" for number, card, _ in measured],
        "Metric": [name_of(name) for _, _, name in measured],
        "Value": [value.get("value") for value in values],
        "Unit": [value.get("unit") for value in values],
        "Protocol": [protocol(card, name) for _, card, name in measured],
        "Command": [value.get("command") for value in values],
    }


# Series over the dimension


def dimensions(
    comparison: Comparison,
    cards: Cards,
    entries: Sequence[Entry],
    data_title: str,
    choose: Callable[[tuple[str, ...]], None],
) -> None:
    """Effect of the latent size: metrics over it, and reconstructions of the same images with each size.

    Arguments:
        comparison: The models.
        cards: Their cards.
        entries: All usable checkpoints of their data set.
        data_title: Title of the data set.
        choose: Called with the names of a series to show.
    """
    shown = ladders([model.entry for model in comparison.models])
    if not shown:
        known = [series for series in ready_series(data_title, entries) if " dimensions" in series.title]
        _offer(known, choose)
        return
    for ladder in shown:
        columns = {model.name: number for number, model in enumerate(comparison.models)}
        steps = [columns[entry.name] for entry in ladder]
        st.markdown(f"**{plain(kind(ladder[0].card))}** over its latent dimensions")
        _curves([cards[step] for step in steps])
        st.html(
            STYLE + _strips(comparison, key(comparison), tuple(steps), comparison.models[0].originals.state)
        )


def _offer(known: Sequence[Series], choose: Callable[[tuple[str, ...]], None]) -> None:
    st.info(
        "A series needs two models of one family whose latents differ in size. "
        + ("This data set has one:" if known else "Train them with `--set latent=2`, `latent=5` and so on."),
        icon=":material/linear_scale:",
    )
    for series in known:
        st.button(
            plain(series.title), key=f"ladder-{'-'.join(series.names)}", on_click=choose, args=(series.names,)
        )


def _curves(cards: Cards) -> None:
    """A small chart of each metric that at least two cards have."""
    charts = []
    for name in CURVES:
        measured = [card for card in cards if card and name in card.metrics]
        points = [(latent(card), card.metrics[name]) for card in measured]
        if len(points) > 1:
            charts.append((name, points, dict.fromkeys(protocol(card, name) for card in measured)))
    if not charts:
        st.caption("Fewer than two of the cards have metrics: `python -m models evaluate NAME --write`.")
        return
    columns = side_by_side([1] * len(CURVES), "lxc-curves", narrow=800)
    for column, (name, points, protocols) in zip(columns, charts, strict=False):
        unit = points[0][1]["unit"]
        axis = f"{name_of(name)}{f' ({unit})' if unit else ''}"
        with column:
            draw_chart(
                _line_chart([(size, metric["value"]) for size, metric in points], axis),
                f"compare-{name}",
                f"{name}-over-dimensions",
            )
        column.caption(plain("; ".join(protocols)))


def _line_chart(points: list[tuple[int, float]], head: str) -> dict[str, Any]:
    """A metric over the latent size, with a tick for each point."""
    sizes, values = zip(*points, strict=True)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": sizes,
                "y": values,
                "name": head,
                "hovertemplate": "%{x} dimensions: %{y:.4g}<extra></extra>",
            }
        ],
        "layout": {
            "height": 220,
            "margin": MARGIN,
            "xaxis": {"title": {"text": "dimensions"}, "type": "log", "tickvals": sizes, "showgrid": False},
            "yaxis": {"title": {"text": head}, "automargin": True},
        },
    }


@st.cache_data(max_entries=10, show_spinner=False)
def _strips(_comparison: Comparison, key: object, steps: tuple[int, ...], ready: str) -> str:
    """A row of reconstructions for each size, and a row of samples for models with a prior."""
    comparison, items = _comparison, list(range(min(STRIP, _comparison.count)))
    rows: list[tuple[str, list[str]]] = []
    truth = [picture for picture in originals(comparison, items) if picture is not None]
    if len(truth) == len(items):
        rows.append(("Original", [image(picture, "Original") for picture in truth]))
    for step in steps:
        name = f"{comparison.models[step].latent} dimensions"
        rows.append(
            (name, [image(p, f"Reconstruction with {name}") for p in reconstructed(comparison, step, items)])
        )
    for step in steps:
        model = comparison.models[step]
        if normal_prior(model):
            name = f"{model.latent} dimensions, samples"
            rows.append((name, [image(p, name) for p in prior_samples(model, len(items), 0)]))
    cells = "".join(f"<span>{escape(name)}</span>{''.join(pictures)}" for name, pictures in rows)
    columns = f"minmax(90px, 150px) repeat({len(items)}, minmax(30px, 68px))"
    return f'<div class="lxc-strip" style="grid-template-columns: {columns}">{cells}</div>'


# Latent spaces


class Spaces(NamedTuple):
    """Similarity of the latent spaces of M models; pixels are one more row if the originals are loaded."""

    names: list[str]
    shared: NDArray[np.float64]  # (R, R), share of neighbours in common
    chance: float
    reach: list[list[Reach]]  # (M, M), how well a linear map of the row's space predicts the column's
    alike: NDArray[np.float64]  # (M, M), CKA
    explained: list[NDArray[np.float64]]  # cumulative share of variance, for each model
    effective: list[float]
    label: str  # title of the attribute compared among neighbours, "" for none
    agreement: list[float]


def spaces(comparison: Comparison, cards: Cards) -> None:
    """Whether models place the same images near each other, and how each uses its latent space."""
    spaces = _spaces(comparison, key(comparison), comparison.models[0].originals.state)
    left, right = side_by_side((1, 1), "lxc-alike")
    with left:
        st.markdown("**Shared neighbours**")
        st.html(_matrix(spaces.shared, spaces.names, symmetric=True))
        st.caption(
            f"Share of the {NEIGHBOURS} nearest images of an image in one latent space that are also among "
            f"the {NEIGHBOURS} nearest in the other, %; by chance {100 * spaces.chance:.1f}. Mean over "
            f"{min(QUERIES, comparison.count):,} of {comparison.count:,} images."
        )
    with right:
        st.markdown("**Linear prediction**")
        letters = [letter(n) for n in range(len(comparison.models))]
        r2 = np.array([[each.r2.value for each in row] for row in spaces.reach])
        hints = [[_reach_hint(each) for each in row] for row in spaces.reach]
        st.html(_matrix(r2, letters, symmetric=False, hints=hints))
        st.caption(
            "R² in % of predicting the column's latents linearly from the row's, on every other image; the "
            "interval is shown on hover. A linear autoencoder and PCA span the same subspace: 100 in both "
            "directions.",
            help=tooltip("linear_reach"),
        )
        st.markdown("**Linear CKA**")
        st.html(_matrix(spaces.alike, letters, symmetric=True))
        st.caption(f"{STATISTICS['cka'].definition} In %; unrelated spaces have 0.", help=tooltip("cka"))
    left, right = side_by_side((1, 1), "lxc-filled")
    with left:
        st.markdown("**Variance of the latents**")
        draw_downloadable_chart(
            _variance_chart(comparison, spaces), "compare-variance", "variance-of-latents"
        )
        st.caption(
            "Share of the latents' variance in their first principal components. It describes how the latent "
            "space is used, not how much of the images a model explains."
        )
    with right:
        st.markdown("**Use of each space**")
        st.dataframe(
            _filled(comparison, cards, spaces),
            column_config=_filled_config(spaces),
            hide_index=True,
            placeholder="–",
            key="compare_filled",
        )
        st.caption(_filled_note(spaces))


@st.cache_data(max_entries=10, show_spinner="Comparing the latent spaces …")
def _spaces(_comparison: Comparison, key: object, ready: str) -> Spaces:
    comparison = _comparison
    latents = [model.atlas.mean[rows] for model, rows in zip(comparison.models, comparison.rows, strict=True)]
    k = min(NEIGHBOURS, comparison.count - 1)
    queries = np.unique(np.linspace(0, comparison.count - 1, min(QUERIES, comparison.count)).astype(np.int64))
    near = [nearest_others(z, queries, k) for z in latents]
    label, values = _labels(comparison)
    agreement = [label_agreement(index, queries, values) for index in near] if values is not None else []
    names = [letter(number) for number in range(len(latents))]
    truth = [picture for picture in originals(comparison, range(comparison.count)) if picture is not None]
    if len(truth) == comparison.count:
        near.append(nearest_others(np.stack(truth).reshape(len(truth), -1), queries, k))
        names.append(PIXELS)
    shared = np.array([[neighbour_overlap(a, b) for b in near] for a in near])
    reach = [[linear_reach(a, b) for b in latents] for a in latents]
    alike = np.array([[cka(a, b) for b in latents] for a in latents])
    effective = [effective_dimensions(z) for z in latents]
    variances = [explained(z) for z in latents]
    chance = by_chance(comparison.count, k)
    return Spaces(names, shared, chance, reach, alike, variances, effective, label, agreement)


def _labels(comparison: Comparison) -> tuple[str, NDArray[Any] | None]:
    """The first categorical attribute of the shared images."""
    atlas = comparison.models[0].atlas
    for attribute in atlas.attributes.values():
        if attribute.kind == "categorical":
            return attribute.title, attribute.values[comparison.rows[0]]
    return "", None


def _reach_hint(reach: Reach) -> str:
    """The interval of an R², and whether it exceeds chance."""
    chance = "" if reach.p_value <= 0.05 else f"; no more than chance (p = {reach.p_value:.2f})"
    return f"95 % interval {100 * reach.r2.low:.0f} to {100 * reach.r2.high:.0f}{chance}".replace("-", "−")


def _matrix(
    values: NDArray[np.float64],
    names: Sequence[str],
    *,
    symmetric: bool,
    hints: Sequence[Sequence[str]] | None = None,
) -> str:
    """Shares as a table, larger ones in darker cells; the diagonal is empty.

    Arguments:
        values: Shape (R, R).
        names: Names of the rows and columns.
        symmetric: Whether to leave out the upper half.
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


def _variance_chart(comparison: Comparison, spaces: Spaces) -> dict[str, Any]:
    lines = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": letter(number),
            "marker": {"size": 5},
            "line": {"color": COLOURS[number % len(COLOURS)]},
            "x": list(range(1, len(shares) + 1)),
            "y": [float(share) for share in shares],
            "hovertemplate": f"{escape(title(model))}: %{{y:.1%}} in %{{x}} components<extra></extra>",
        }
        for number, model in enumerate(comparison.models)
        for shares in [spaces.explained[number][:COMPONENTS]]
    ]
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


def _filled(comparison: Comparison, cards: Cards, spaces: Spaces) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {
        "Model": [f"{letter(n)} · {title(model)}" for n, model in enumerate(comparison.models)],
        "Dimensions": [model.latent for model in comparison.models],
        "Effective": spaces.effective,
        "First two": [100 * float(shares[:2][-1]) for shares in spaces.explained],
    }
    if spaces.agreement:
        table[f"Same {spaces.label.lower()}"] = [100 * share for share in spaces.agreement]
    for name in probes(cards):
        values = [card.metrics.get(name, {}) if card else {} for card in cards]
        unit = next((value["unit"] for value in values if value.get("unit")), "")
        table[name_of(name) + (f" ({unit})" if unit else "")] = [value.get("value") for value in values]
    return table


def probes(cards: Cards) -> list[str]:
    """Names of the linear probes' metrics in the cards."""
    return list(dict.fromkeys(name for card in cards if card for name in card.metrics if PROBE in name))


def _filled_config(spaces: Spaces) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Effective": st.column_config.NumberColumn(format="%.1f"),
        "First two": st.column_config.NumberColumn(format="%.1f %%"),
    }
    if spaces.agreement:
        config[f"Same {spaces.label.lower()}"] = st.column_config.NumberColumn(format="%.1f %%")
    return config


def _filled_note(spaces: Spaces) -> str:
    note = (
        f"Effective: {STATISTICS['effective_dimensions'].definition} "
        "It is (Σλ)² / Σλ², λ the variances of "
        "the principal components, corrected for the bias of small samples. "
        "First two: share of the variance in the first two principal components."
    )
    if spaces.agreement:
        note += f" Same {spaces.label.lower()}: share of the {NEIGHBOURS} nearest images with the same value."
    return note
