"""Checkpoints as cards to filter and sort, and the details of one checkpoint."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import streamlit as st

from explorer.catalogue import families, metrics
from explorer.catalogue.architecture import Architecture, describe
from explorer.catalogue.curves import Curves, read_curves
from explorer.catalogue.data_titles import data_name
from explorer.jobs.early_models import is_superseded
from explorer.jobs.trainings import runs_folder
from explorer.pages.shared import checkpoint_picker, curve_charts, navigation
from explorer.pages.shared.checkpoint_filter import by_showcase, narrowed, preview
from explorer.pages.shared.layout import side_by_side
from explorer.pages.shared.text import plain, with_code
from models.card import TRAINING, Card, Entry

__all__ = ["details", "overview", "short"]

STYLE = """<style>
.st-key-lx-cards { display: grid; gap: 1rem;
    grid-template-columns: repeat(auto-fill, minmax(min(345px, 100%), 1fr)); }
.st-key-lx-cards > * { width: auto !important; min-width: 0; height: 100%; }
.st-key-lx-cards > * > [data-testid="stVerticalBlock"] { height: 100%; }
.lx-figures { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; font-size: .875rem;
  margin: 0 !important; padding: 0 !important; }
.lx-figures dt { opacity: .65; font-size: .78rem; } .lx-figures dd { margin: 0 !important; font-weight: 600; }
.lx-spark { width: 100%; height: 34px; display: block; }
</style>"""
SHOWN = ("psnr", "ssim", "loss", "kl", "active_units", "mse")  # default metrics of a card
ON_CARD = 4  # metrics on a card
SPARK = (300, 34, 60)  # width, height and number of points of the curve on a card
BY_NAME = "Data set and name"


def overview() -> None:
    """The cards, and the checkpoints that cannot be used."""
    st.html(STYLE)
    entries = checkpoint_picker.entries()
    names = {entry.name for entry in entries if entry.card}
    usable = [entry for entry in entries if entry.card and not is_superseded(entry.name, names)]
    if not usable:
        st.info("No checkpoint can be used yet. Train one under Train.", icon=":material/model_training:")
    else:
        shown, metric = _filtered(usable)
        count = f"{len(shown)} of {len(usable)}" if len(shown) < len(usable) else f"{len(usable)}"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"{count} checkpoints", width="stretch")
            if st.button("Train one on your own images", icon=":material/photo_library:", key="cards-yours"):
                navigation.show(navigation.YOUR_IMAGES, {})
        with st.container(key="lx-cards"):
            for entry in shown:
                _card(entry, metric)
    _broken(entries)


def _filtered(usable: list[Entry]) -> tuple[list[Entry], str]:
    """The checkpoints that pass the filters, sorted, and the metric they are sorted by ("" for none)."""
    cards = {entry.name: entry.card for entry in usable if entry.card}
    measured = sorted({metric for card in cards.values() for metric in card.metrics}, key=metrics.name_of)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        shown = narrowed(usable, "cards")
        metric = st.selectbox(
            "Sort by",
            ["", *measured],
            key="cards_sort",
            width=220,
            persist_state="session",
            format_func=lambda metric: metrics.name_of(metric) if metric else BY_NAME,
            help="Best first. Metrics of different data sets or likelihoods are not comparable.",
        )
    shown.sort(key=lambda entry: _rank(entry, metric or ""))
    return shown, metric or ""


def _rank(entry: Entry, metric: str) -> tuple[bool, float, tuple[object, ...]]:
    """Sort key of a checkpoint by a metric; last if it was not measured."""
    value = metrics.value_of(entry.card, metric) if metric and entry.card else 0.0
    return value is None, 0.0 if value is None else metrics.better_first(metric, value), by_showcase(entry)


def _card(entry: Entry, metric: str) -> None:
    """The card of one checkpoint."""
    card = entry.card
    if card is None:
        return
    with st.container(border=True, height="stretch", gap="small"):
        preview(entry)
        st.markdown(f"**{plain(card.title)}**  \n{plain(card.description or card.data['name'])}")
        facts = [*checkpoint_picker.summary(card)[:3], _parameters(entry), data_name(card.data)]
        st.caption(plain(" · ".join(facts)))
        _main_metrics(card, metric)
        _spark(entry)
        st.space("stretch")
        _links(entry, "card")


def _parameters(entry: Entry) -> str:
    built = _built(entry)
    return f"{short(built.parameters)} parameters" if built else ""


def short(count: int) -> str:
    """A count in short form, e.g. "3.1 M", "940 k"."""
    if count >= 1e6:
        return f"{count / 1e6:.1f} M"
    return f"{count / 1e3:.0f} k" if count >= 1e4 else f"{count:,}"


def _main_metrics(card: Card, metric: str) -> None:
    """The main metrics, first the one that the cards are sorted by."""
    names = [name for name in dict.fromkeys((metric, *SHOWN)) if name in card.metrics][:ON_CARD]
    if not names:
        st.caption("Not evaluated yet.")
        return
    rows = "".join(
        f"<div><dt>{escape(metrics.name_of(name, card))}</dt>"
        f"<dd>{escape(metrics.written(card, name))}</dd></div>"
        for name in names
    )
    st.html(f'<dl class="lx-figures">{rows}</dl>')


def _spark(entry: Entry) -> None:
    """The training loss as a small curve."""
    curves = _curves(entry)
    losses = curves.series.get("loss", [])
    if len(losses) < 2:
        return
    width, height, points = SPARK
    chosen = [losses[round(index * (len(losses) - 1) / (points - 1))] for index in range(points)]
    low, high = min(chosen), max(chosen)
    spread = (high - low) or 1.0
    path = " ".join(
        f"{index * width / (points - 1):.1f},{2 + (height - 4) * (high - value) / spread:.1f}"
        for index, value in enumerate(chosen)
    )
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        f'<polyline points="{path}" fill="none" stroke="#6f86e8" stroke-width="1.6" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    text = f"Loss over {curves.last + 1} steps, from {losses[0]:.0f} to {losses[-1]:.0f} nats per image"
    st.html(f'<img class="lx-spark" alt="{text}" title="{text}" src="data:image/svg+xml,{quote(drawing)}">')


def _links(entry: Entry, where: str) -> None:
    """Buttons to the pages that show this checkpoint, and to its details."""
    with st.container(horizontal=True, gap="xsmall"):
        spec = families.spec_of(entry.card) if entry.card else None
        inside = "Codes" if spec and spec.discrete else "Anatomy"
        over_time = ["Time"] if spec and spec.sequence else []
        for title in ("Explore", inside, "Compare", *over_time):
            if title in navigation.existing():
                kind = "primary" if title == "Explore" else "secondary"
                key = f"{where}-{title.lower()}-{entry.name}"
                if st.button(title, key=key, type=kind):  # type: ignore[arg-type]
                    navigation.go(title, entry.name)
        if where == "card" and st.button("Details", key=f"{where}-details-{entry.name}", type="tertiary"):
            st.query_params.from_dict({"checkpoint": entry.name})
            st.rerun()


def _broken(entries: list[Entry]) -> None:
    """The checkpoints that cannot be used, with the reasons; unfinished trainings are listed under Train."""
    broken = [entry for entry in entries if entry.error and not (entry.path / TRAINING).is_file()]
    if broken:
        with st.expander(f"{len(broken)} cannot be used", icon=":material/warning:", expanded=True):
            for entry in broken:
                st.markdown(f"**{plain(entry.name)}**")
                st.text(entry.error or "")


# Details


def details(name: str) -> bool:
    """The details of one checkpoint.

    Returns:
        Whether a usable checkpoint of this name exists.
    """
    entry = next((entry for entry in checkpoint_picker.entries() if entry.name == name), None)
    if entry is None or entry.card is None:
        st.query_params.clear()
        reason = f"cannot be used: {entry.error}" if entry else "does not exist."
        st.warning(with_code(f"The checkpoint {name!r} {reason}"), icon=":material/link_off:")
        return False
    card = entry.card
    st.html(STYLE)
    if st.button("All checkpoints", icon=":material/arrow_back:", key="cards-back", type="tertiary"):
        st.query_params.clear()
        st.rerun()
    left, right = side_by_side([3, 2], "lx-about")
    with left:
        st.header(plain(card.title), anchor=False)
        if card.description:
            st.markdown(plain(card.description))
        st.caption(plain(" · ".join([card.name, *checkpoint_picker.summary(card)[:3], _parameters(entry)])))
        _links(entry, "details")
    with right:
        preview(entry)
    left, right = side_by_side([3, 2], "lx-built")
    with left:
        _curve(entry)
    with right:
        _architecture(entry, card)
    _metrics(card)
    _provenance(entry, card)
    return True


def _curve(entry: Entry) -> None:
    st.subheader("Training", anchor=False)
    curves = _curves(entry)
    if not curves.steps:
        st.caption("Its training curve was not saved.")
        return
    scale = st.segmented_control(
        "Axis",
        ["Linear", "Logarithmic"],
        default="Linear",
        required=True,
        key="curve_scale",
        label_visibility="collapsed",
    )
    curve_charts.curve_chart(curves, f"curve-{entry.name}", logarithmic=scale == "Logarithmic")
    curve_charts.metric_charts(curves, f"figure-{entry.name}")


def _architecture(entry: Entry, card: Card) -> None:
    st.subheader("Architecture", anchor=False)
    description, built = families.family(card.model).description, _built(entry)
    paper = f"[{plain(description.paper)}]({description.link})"
    st.markdown(f"**{plain(description.title)}** ({description.year}). {plain(description.idea)} {paper}.")
    spec = families.spec_of(card)
    st.markdown(f"Latent: {', '.join([families.extent(spec), *families.abilities(spec)])}.")
    if built is None:
        return
    image = "×".join(map(str, card.config["image_shape"]))
    for part, first in (("encoder", image), ("decoder", str(spec.size))):
        if sizes := built.sizes(part):
            st.markdown(f"{part.capitalize()}  \n{plain(f'{first} → {sizes}')}")
    with st.expander(f"All layers, {built.parameters:,} parameters"):
        rows = [
            (part.name, layer.what, "×".join(map(str, layer.shape)), layer.parameters)
            for part in built.parts
            for layer in part.layers
        ]
        heads = ("Part", "Layer", "Output", "Parameters")
        st.dataframe(_table(heads, rows), hide_index=True, height=min(420, 35 * (len(rows) + 1) + 3))


def _metrics(card: Card) -> None:
    st.subheader("Metrics", anchor=False)
    if not card.metrics:
        st.caption("Not evaluated yet. Evaluate it:")
        st.code(f"python -m models evaluate {card.name} --write", language="bash")
        return
    rows = [
        (
            metrics.name_of(name, card),
            *(metric.get("value"), metric.get("unit"), metrics.protocol(card, name), metric.get("command")),
        )
        for name, metric in card.metrics.items()
    ]
    st.dataframe(
        _table(("Metric", "Value", "Unit", "Protocol", "Command"), rows),
        hide_index=True,
        height=min(460, 35 * (len(rows) + 1) + 3),
        column_config={
            "Metric": st.column_config.TextColumn(width="medium"),
            "Value": st.column_config.NumberColumn(format="%.6g", width="small"),
            "Unit": st.column_config.TextColumn(width="small"),
            "Protocol": st.column_config.TextColumn(width="large"),
        },
    )


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {head: [row[column] for row in rows] for column, head in enumerate(heads)}


def _provenance(entry: Entry, card: Card) -> None:
    """The command, the settings, the data and the versions."""
    st.subheader("Provenance", anchor=False)
    st.code(card.command or "The command was not saved.", language="bash", wrap_lines=True)
    images = card.training.get("images")
    count = f", {images:,} training images" if isinstance(images, int) else ""
    facts = {
        "Data": _listed({"": card.data["name"], **card.data.get("options", {})}) + count,
        "Configuration": _listed({k: v for k, v in card.config.items() if k != "image_shape"}),
        "Training": _listed(card.training),
        "Versions": _listed(card.versions),
        "Weights, SHA-256": card.weights_sha256,
    }
    rows = "".join(
        f"<div><dt>{escape(name)}</dt>"
        f"<dd style='font-weight:400;overflow-wrap:anywhere'>{escape(text)}</dd></div>"
        for name, text in facts.items()
        if text
    )
    st.html(f'<dl class="lx-figures" style="flex-direction:column;gap:.5rem">{rows}</dl>')
    if entry.path.resolve().parent == runs_folder():
        st.caption(
            f"It is in the folder {plain(str(entry.path.name))} of the runs, and can be deleted under Train."
        )


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value}".strip() for name, value in values.items() if value not in (None, "", {})
    )


def _built(entry: Entry) -> Architecture | None:
    """A checkpoint's architecture; cached."""
    if entry.card is None:
        return None
    try:
        return _describe(entry.card.model, entry.version, entry.card.config)
    except (ValueError, RuntimeError):
        return None  # the rest of the card is shown without it


@st.cache_data(max_entries=200, show_spinner=False)
def _describe(model: str, version: str, config: dict[str, Any]) -> Architecture:
    return describe(model, config)


def _curves(entry: Entry) -> Curves:
    """A checkpoint's curves, read again when their file changes."""
    path = entry.path / "curves.jsonl"
    try:
        facts = path.stat()
    except OSError:
        return Curves([], [], {})
    return _read(str(path), facts.st_mtime_ns)


@st.cache_data(max_entries=100, show_spinner=False)
def _read(path: str, changed: int) -> Curves:
    return read_curves(Path(path))
