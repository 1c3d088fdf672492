"""Pictures of several models side by side: reconstructions of the same images, and samples from their priors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.latent.attribute_values import value_text
from explorer.pages.compare.choice import kind
from explorer.pages.compare.state import Selection, inside
from explorer.scene.comparison import Lineup
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing.exports import picture_png

__all__ = [
    "STYLE",
    "drawn",
    "errors",
    "image",
    "key",
    "letter",
    "normal_prior",
    "originals",
    "reconstructed",
    "reconstructions",
    "samples",
    "title",
    "why_no_prior",
]

Pictures = NDArray[np.uint8]  # (N, H, W, C)

COUNTS = (5, 10, 20, 30)  # images to show
DRAWS = (12, 24, 48)
ROWS = 5  # of one table; several stand side by side where there is room
SEED = 0
HOTTEST = 1.5  # temperature
ORDERS = {
    "first": "The first ones",
    "differ": "Where the models differ most",
    "random": "At random",
    "selected": "Selected on a map",
}
STYLE = """<style>
.lxc-tables { display: flex; flex-wrap: wrap; gap: 8px 48px; }
.lxc-tables table { border-collapse: collapse; border: 0; width: auto; margin: 0; }
.lxc-tables th, .lxc-tables td { border: 0; padding: 3px 6px; text-align: center; vertical-align: top;
  font-size: 12px; font-weight: 400; line-height: 1.35; font-variant-numeric: tabular-nums; }
.lxc-tables th { width: 88px; max-width: 88px; vertical-align: bottom; overflow-wrap: anywhere; }
.lxc-tables th b { display: block; }
.lxc-blocks { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 212px), 1fr)); gap: 24px 16px; }
.lxc-blocks h4 { font-size: 13px; font-weight: 600; padding: 0; margin: 0 0 6px; }
.lxc-grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(48px, 1fr)); gap: 4px; max-width: 460px; }
.lxc-none { font-size: 13px; line-height: 1.5; max-width: 40ch; }
.lxc-strip { display: grid; gap: 4px; align-items: center; margin: 0; overflow-x: auto; }
.lxc-strip > span { font-size: 12px; padding-right: 8px; overflow-wrap: anywhere; }
.lxc-quiet { opacity: 0.7; }
.lxc-best { font-weight: 700; }
img.lxc { display: block; width: 100%; min-width: 30px; image-rendering: pixelated; border-radius: 4px; }
.lxc-tables img.lxc { width: 72px; margin: 0 auto 2px; }
</style>"""


def key(lineup: Lineup) -> tuple[tuple[str, str], ...]:
    """What pictures of a lineup depend on, for the caches."""
    return tuple((model.name, model.version) for model in lineup.models)


def letter(number: int) -> str:
    """Column 0 is A, as on the maps."""
    return chr(ord("A") + number)


def title(model: Loaded) -> str:
    """A model's title for people."""
    return model.entry.card.title if model.entry.card else model.name


def image(picture: Pictures, text: str) -> str:
    """A picture (H, W, C) as an HTML image that carries its own bytes."""
    data = base64.b64encode(picture_png(picture)).decode()
    return f'<img class="lxc" alt="{escape(text, quote=True)}" src="data:image/png;base64,{data}">'


def originals(lineup: Lineup, items: Sequence[int]) -> list[Pictures | None]:
    """The originals of shared images, None where they are not on this machine."""
    first = lineup.models[0]
    return first.originals.get([int(row) for row in lineup.rows[0, list(items)]])


def reconstructed(lineup: Lineup, model: int, items: Sequence[int]) -> Pictures:
    """One model's reconstructions of shared images."""
    loaded = lineup.models[model]
    return engine().decode_sync(loaded, loaded.atlas.mean[lineup.rows[model, list(items)]], background=True)


def errors(lineup: Lineup) -> NDArray[np.float32] | None:
    """Squared error a pixel of each model's reconstruction of each shared image, (M, N); None where one is not known."""
    known = [model.atlas.scores.get("error") for model in lineup.models]
    if any(scores is None for scores in known):
        return None
    return np.stack([s[rows] for s, rows in zip(known, lineup.rows, strict=True) if s is not None])


# Reconstructions


def reconstructions(lineup: Lineup, selection: Selection | None) -> None:
    """Rows of the same images, a column a model, the original first, the squared error under each."""
    orders = {name: text for name, text in ORDERS.items() if name != "selected" or selection}
    if errors(lineup) is None:
        del orders["differ"]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        order = st.selectbox(
            "Images", list(orders), format_func=orders.__getitem__, key="compare_order", width=250
        )
        count = st.segmented_control("How many", COUNTS, default=10, key="compare_count") or 10
    items = chosen_items(lineup, order or "first", count, selection)
    if not items:
        st.info("No image lies inside the selection. Draw it around some points.", icon=":material/info:")
        return
    ready = lineup.models[0].originals.state
    st.html(STYLE + _tables(lineup, key(lineup), tuple(items), ready))
    st.caption(_means(lineup, ready))
    if ready == "loading":
        wait_for_originals(lineup)


@st.fragment(run_every=1.5)
def wait_for_originals(lineup: Lineup) -> None:
    """Shows the page again when the originals have come."""
    if lineup.models[0].originals.state == "loading":
        st.caption("Reading the original pictures …")
    else:
        st.rerun()


def chosen_items(lineup: Lineup, order: str, count: int, selection: Selection | None) -> list[int]:
    """Which shared images to show."""
    everything = np.arange(lineup.count)
    if order == "selected" and selection and selection.by < len(lineup.models):
        everything = inside(lineup.positions(selection.by), selection.corners)
    elif order == "differ" and (known := errors(lineup)) is not None:
        everything = np.argsort(known.min(0) - known.max(0), kind="stable")
    elif order == "random":
        everything = np.random.default_rng(SEED).permutation(everything)
    return [int(item) for item in everything[:count]]


@st.cache_data(max_entries=30, show_spinner=False)
def _tables(_lineup: Lineup, key: object, items: tuple[int, ...], ready: str) -> str:
    """Tables of pictures; `ready` is the originals' state, on which they depend."""
    lineup = _lineup
    truth = originals(lineup, items)
    made = [reconstructed(lineup, number, items) for number in range(len(lineup.models))]
    known = errors(lineup)
    heads = "".join(
        f"<th><b>{letter(number)}</b>{escape(title(model))}</th>"
        for number, model in enumerate(lineup.models)
    )
    rows = []
    for place, item in enumerate(items):
        original, name = truth[place], _name(lineup, item)
        shown = '<span class="lxc-quiet">not here</span>' if original is None else image(original, name)
        cells = [f"<td>{shown}{escape(name)}</td>"]
        own = None if known is None else known[:, item]
        for number, model in enumerate(lineup.models):
            text = "" if own is None else f"{own[number]:.4f}"
            best = ' class="lxc-best"' if own is not None and own[number] == own.min() else ""
            picture = image(made[number][place], f"{title(model)} of {name}")
            cells.append(f"<td>{picture}<span{best}>{text}</span></td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = f"<thead><tr><th>Original</th>{heads}</tr></thead>"
    parts = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    tables = "".join(f"<table>{head}<tbody>{''.join(part)}</tbody></table>" for part in parts)
    return f'<div class="lxc-tables">{tables}</div>'


def _name(lineup: Lineup, item: int) -> str:
    """An image's name and what its first categorical attribute says: "test 12, 7"."""
    first, row = lineup.models[0], int(lineup.rows[0, item])
    name = first.atlas.names.name(row)
    for attribute in first.atlas.attributes.values():
        if attribute.kind == "categorical":
            return f"{name}, {value_text(attribute, row)}" if attribute.known[row] else name
    return name


def _means(lineup: Lineup, ready: str) -> str:
    parts = [
        "Under each picture: its mean squared error per pixel, on a scale of 0 to 1; the smallest in bold."
    ]
    known = errors(lineup)
    if known is not None:
        means = ", ".join(f"{letter(n)} {mean:.4f}" for n, mean in enumerate(known.mean(1)))
        parts.append(f"Mean over all {lineup.count:,} shared images: {means}.")
    if ready == "absent":
        parts.append("The originals are not on this machine.")
    return " ".join(parts)


# Samples


def samples(lineup: Lineup) -> None:
    """Pictures of codes drawn from each model's prior; where there is none, why not."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        count = st.segmented_control("How many", DRAWS, default=24, key="compare_draws") or 24
        seed = st.number_input("Seed", 0, 2**31 - 1, SEED, key="compare_seed", width=150,
                               help="The same seed draws the same codes again.")  # fmt: skip
        temperature = st.slider(
            "Temperature", 0.0, HOTTEST, 1.0, 0.05, key="compare_temperature", width=260,
            help="How widely latents are drawn: 1 is the prior itself, less gives more typical and less varied pictures.",
        )  # fmt: skip
    st.html(STYLE + _blocks(lineup, key(lineup), int(count), int(seed), float(temperature)))
    st.caption(
        "Latents z are drawn from a normal distribution with standard deviation T, the temperature, and decoded. "
        "Models with equally many dimensions get the same z."
    )


@st.cache_data(max_entries=30, show_spinner=False)
def _blocks(_lineup: Lineup, key: object, count: int, seed: int, temperature: float) -> str:
    blocks = []
    for number, model in enumerate(_lineup.models):
        head = f"<h4>{letter(number)} · {escape(title(model))}</h4>"
        if normal_prior(model):
            pictures = drawn(model, count, seed, temperature)
            shown = "".join(image(picture, f"Sample of {title(model)}") for picture in pictures)
            blocks.append(f'<div>{head}<div class="lxc-grid">{shown}</div></div>')
        else:
            blocks.append(
                f'<div>{head}<div class="lxc-none lxc-quiet">{escape(why_no_prior(model))}</div></div>'
            )
    return f'<div class="lxc-blocks">{"".join(blocks)}</div>'


def normal_prior(model: Loaded) -> bool:
    """Whether codes can be drawn from N(0, I)."""
    spec = model.decoder.model.spec
    return spec.prior and not spec.discrete


def drawn(model: Loaded, count: int, seed: int, temperature: float = 1.0) -> Pictures:
    """Pictures (count, H, W, C) of codes drawn from a normal prior, `temperature` its standard deviation."""
    z = np.random.default_rng(seed).standard_normal((count, model.latent), np.float32)
    return engine().decode_sync(model, np.float32(temperature) * z, background=True)


def why_no_prior(model: Loaded) -> str:
    """Why nothing is drawn from a model here."""
    what = kind(model.entry.card) or "This model"
    if model.decoder.model.spec.prior:
        return f"{what} draws a grid of codes place by place from its learnt prior, which takes a while: see Codes."
    if model.decoder.model.spec.sequence:
        return (
            f"{what} has no prior over a single state: which states are likely depends on the frames seen so far. "
            "The Time page samples how a sequence goes on."
        )
    return (
        f"{what} has no prior here: nothing in its training says which latents are likely, so there is no distribution to "
        "draw from."
    )
