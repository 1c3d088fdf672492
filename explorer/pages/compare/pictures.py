"""Pictures of several models: reconstructions of the same images, and samples from their priors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.fields import SEED_AT_MOST
from explorer.latent.attribute_values import value_text
from explorer.pages.compare.choice import kind
from explorer.pages.compare.state import Selection, inside
from explorer.scene.comparison import Comparison
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing.exports import picture_png

__all__ = [
    "STYLE",
    "errors",
    "image",
    "key",
    "letter",
    "normal_prior",
    "originals",
    "prior_samples",
    "reconstructed",
    "reconstructions",
    "samples",
    "title",
    "why_no_prior",
]

Pictures = NDArray[np.uint8]  # (N, H, W, C)

COUNTS = (5, 10, 20, 30)  # images to show
DRAWS = (12, 24, 48)
ROWS = 5  # rows of one table; several tables are placed side by side
SEED = 0
HOTTEST = 1.5  # highest temperature
ORDERS = {
    "first": "First images",
    "differ": "Largest differences",
    "random": "Random",
    "selected": "Selected on a map",
}
STYLE = """<style>
.lxc-tables { display: flex; flex-wrap: wrap; gap: 8px 48px; }
.lxc-tables table { border-collapse: collapse; border: 0; width: auto; margin: 0; }
.lxc-tables th, .lxc-tables td { border: 0; padding: 3px 6px; text-align: center; vertical-align: top;
  font-size: 12px; font-weight: 400; line-height: 1.35; font-variant-numeric: tabular-nums; }
.lxc-tables th { width: 88px; max-width: 88px; vertical-align: bottom; overflow-wrap: anywhere; }
.lxc-tables th b { display: block; }
.lxc-blocks { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 212px), 1fr));
    gap: 24px 16px; }
.lxc-blocks h4 { font-size: 13px; font-weight: 600; padding: 0; margin: 0 0 6px; }
.lxc-grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(48px, 1fr)); gap: 4px;
    max-width: 460px; }
.lxc-none { font-size: 13px; line-height: 1.5; max-width: 40ch; }
.lxc-strip { display: grid; gap: 4px; align-items: center; margin: 0; overflow-x: auto; }
.lxc-strip > span { font-size: 12px; padding-right: 8px; overflow-wrap: anywhere; }
.lxc-quiet { opacity: 0.7; }
.lxc-best { font-weight: 700; }
img.lxc { display: block; width: 100%; min-width: 30px; image-rendering: pixelated; border-radius: 4px; }
.lxc-tables img.lxc { width: 72px; margin: 0 auto 2px; }
</style>"""


def key(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Cache key of the pictures of a comparison."""
    return tuple((model.name, model.version) for model in comparison.models)


def letter(number: int) -> str:
    """The letter of a model, as on the maps: 0 is A."""
    return chr(ord("A") + number)


def title(model: Loaded) -> str:
    """Title of a model."""
    return model.entry.card.title if model.entry.card else model.name


def image(picture: Pictures, text: str) -> str:
    """A picture (H, W, C) as an HTML image with a data URL."""
    data = base64.b64encode(picture_png(picture)).decode()
    return f'<img class="lxc" alt="{escape(text, quote=True)}" src="data:image/png;base64,{data}">'


def originals(comparison: Comparison, items: Sequence[int]) -> list[Pictures | None]:
    """The originals of shared images; None for those not on this machine."""
    first = comparison.models[0]
    return first.originals.get([int(row) for row in comparison.rows[0, list(items)]])


def reconstructed(comparison: Comparison, model: int, items: Sequence[int]) -> Pictures:
    """One model's reconstructions of shared images."""
    loaded = comparison.models[model]
    return engine().decode_sync(
        loaded, loaded.atlas.mean[comparison.rows[model, list(items)]], background=True
    )


def errors(comparison: Comparison) -> NDArray[np.float32] | None:
    """Squared error per pixel of each reconstruction, shape (M, N); None if one is unknown."""
    known = [model.atlas.scores.get("error") for model in comparison.models]
    if any(scores is None for scores in known):
        return None
    return np.stack([s[rows] for s, rows in zip(known, comparison.rows, strict=True) if s is not None])


# Reconstructions


def reconstructions(comparison: Comparison, selection: Selection | None) -> None:
    """A row for each image: the original, then each model's reconstruction with its squared error."""
    orders = {name: text for name, text in ORDERS.items() if name != "selected" or selection}
    if errors(comparison) is None:
        del orders["differ"]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        order = st.selectbox(
            "Images", list(orders), format_func=orders.__getitem__, key="compare_order", width=250
        )
        count = st.segmented_control("How many", COUNTS, default=10, key="compare_count") or 10
    items = chosen_items(comparison, order or "first", count, selection)
    if not items:
        st.info("No image is inside the selection. Draw it around some points.", icon=":material/info:")
        return
    ready = comparison.models[0].originals.state
    st.html(STYLE + _tables(comparison, key(comparison), tuple(items), ready))
    st.caption(_means(comparison, ready))
    if ready == "loading":
        wait_for_originals(comparison)


@st.fragment(run_every=1.5)
def wait_for_originals(comparison: Comparison) -> None:
    """Reruns the page when the originals are loaded."""
    if comparison.models[0].originals.state == "loading":
        st.caption("Loading the original images …")
    else:
        st.rerun()


def chosen_items(comparison: Comparison, order: str, count: int, selection: Selection | None) -> list[int]:
    """The shared images to show."""
    items = np.arange(comparison.count)
    if order == "selected" and selection and selection.by < len(comparison.models):
        items = inside(comparison.positions(selection.by), selection.corners)
    elif order == "differ" and (known := errors(comparison)) is not None:
        items = np.argsort(known.min(0) - known.max(0), kind="stable")
    elif order == "random":
        items = np.random.default_rng(SEED).permutation(items)
    return [int(item) for item in items[:count]]


@st.cache_data(max_entries=30, show_spinner=False)
def _tables(_comparison: Comparison, key: object, items: tuple[int, ...], ready: str) -> str:
    """Tables of pictures; they depend on `ready`, the state of the originals."""
    comparison = _comparison
    truth = originals(comparison, items)
    decoded = [reconstructed(comparison, number, items) for number in range(len(comparison.models))]
    known = errors(comparison)
    heads = "".join(
        f"<th><b>{letter(number)}</b>{escape(title(model))}</th>"
        for number, model in enumerate(comparison.models)
    )
    rows = []
    for index, item in enumerate(items):
        original, name = truth[index], _name(comparison, item)
        shown = '<span class="lxc-quiet">missing</span> ' if original is None else image(original, name)
        cells = [f"<td>{shown}{escape(name)}</td>"]
        error = None if known is None else known[:, item]
        for number, model in enumerate(comparison.models):
            text = "" if error is None else f"{error[number]:.4f}"
            best = ' class="lxc-best"' if error is not None and error[number] == error.min() else ""
            picture = image(decoded[number][index], f"{title(model)} of {name}")
            cells.append(f"<td>{picture}<span{best}>{text}</span></td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = f"<thead><tr><th>Original</th>{heads}</tr></thead>"
    blocks = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    tables = "".join(f"<table>{head}<tbody>{''.join(block)}</tbody></table>" for block in blocks)
    return f'<div class="lxc-tables">{tables}</div>'


def _name(comparison: Comparison, item: int) -> str:
    """An image's name and its first categorical attribute, e.g. "test 12, 7"."""
    first, row = comparison.models[0], int(comparison.rows[0, item])
    name = first.atlas.names.name(row)
    for attribute in first.atlas.attributes.values():
        if attribute.kind == "categorical":
            return f"{name}, {value_text(attribute, row)}" if attribute.known[row] else name
    return name


def _means(comparison: Comparison, ready: str) -> str:
    parts = ["Under each picture: mean squared error per pixel, pixels in [0, 1]; the smallest in bold."]
    known = errors(comparison)
    if known is not None:
        means = ", ".join(f"{letter(n)} {mean:.4f}" for n, mean in enumerate(known.mean(1)))
        parts.append(f"Mean over all {comparison.count:,} shared images: {means}.")
    if ready == "absent":
        parts.append("The originals are not on this machine.")
    return " ".join(parts)


# Samples


def samples(comparison: Comparison) -> None:
    """Samples from each model's prior, or why there is none."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        count = st.segmented_control("How many", DRAWS, default=24, key="compare_draws") or 24
        seed = st.number_input(
            "Seed",
            0,
            SEED_AT_MOST,
            SEED,
            key="compare_seed",
            width=150,
            help="The same seed gives the same latents.",
        )
        temperature = st.slider(
            "Temperature",
            0.0,
            HOTTEST,
            1.0,
            0.05,
            key="compare_temperature",
            width=260,
            help="Standard deviation of the latents: 1 is the prior itself, less gives more typical, less "
            "varied pictures.",
        )
    st.html(STYLE + _blocks(comparison, key(comparison), int(count), int(seed), float(temperature)))
    st.caption(
        "Latents are drawn from a normal distribution whose standard deviation is the temperature, and "
        "decoded. Models with the same number of dimensions use the same latents."
    )


@st.cache_data(max_entries=30, show_spinner=False)
def _blocks(_comparison: Comparison, key: object, count: int, seed: int, temperature: float) -> str:
    blocks = []
    for number, model in enumerate(_comparison.models):
        head = f"<h4>{letter(number)} · {escape(title(model))}</h4>"
        if normal_prior(model):
            pictures = prior_samples(model, count, seed, temperature)
            shown = "".join(image(picture, f"Sample of {title(model)}") for picture in pictures)
            blocks.append(f'<div>{head}<div class="lxc-grid">{shown}</div></div>')
        else:
            blocks.append(
                f'<div>{head}<div class="lxc-none lxc-quiet">{escape(why_no_prior(model))}</div></div>'
            )
    return f'<div class="lxc-blocks">{"".join(blocks)}</div>'


def normal_prior(model: Loaded) -> bool:
    """Whether latents can be drawn from N(0, I)."""
    spec = model.decoder.model.spec
    return spec.prior and not spec.discrete


def prior_samples(model: Loaded, count: int, seed: int, temperature: float = 1.0) -> Pictures:
    """Pictures (count, H, W, C) of latents drawn from N(0, temperature² I)."""
    z = np.random.default_rng(seed).standard_normal((count, model.latent), np.float32)
    return engine().decode_sync(model, np.float32(temperature) * z, background=True)


def why_no_prior(model: Loaded) -> str:
    """Why this page shows no samples of a model."""
    family = kind(model.entry.card) or "This model"
    if model.decoder.model.spec.prior:
        return f"{family} samples a grid of codes from its learnt prior, which is slow: see the Codes page."
    if model.decoder.model.spec.sequence:
        return (
            f"{family} has no prior over a single state: its distribution depends on the frames seen so far. "
            "The Time page samples futures."
        )
    return f"{family} has no prior: its training defines no distribution of latents to sample from."
