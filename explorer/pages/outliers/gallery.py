"""The paged gallery of the Outliers page: input, reconstruction and residual of each image."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.latent.statistics.outliers import residual
from explorer.pages.shared import navigation
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing.exports import picture_png

__all__ = ["PER_PAGE", "Cards", "cards_of_items", "draw_cards", "links", "pager", "residual_picture"]

Pictures = NDArray[np.uint8]

PER_PAGE = 12
SCALES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # round ends of the residual's scale
LIGHT = ("#1d4f91", "#7fb0de", "#f6f6f7", "#f2a07b", "#b3261e")  # as on the Anatomy page
DARK = ("#9cc9ff", "#3a76b8", "#191c22", "#b4503a", "#ffb199")
STYLE = """<style>
.st-key-ol-cards, .st-key-ol-mine { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); }
.st-key-ol-cards > *, .st-key-ol-mine > * { width: 100%; }
.lxo { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; }
.lxo figure { margin: 0; }
.lxo img { display: block; width: 100%; image-rendering: pixelated; border-radius: 4px; background: #8883; }
.lxo .none { display: grid; place-items: center; aspect-ratio: 1; border-radius: 4px; background: #8882;
  font-size: 11px; text-align: center; opacity: .75; }
.lxo-said { font-size: 13px; line-height: 1.35; margin-top: 6px; font-variant-numeric: tabular-nums;
  min-height: 2.7em; overflow-wrap: anywhere; }
.lxo-said b { font-weight: 600; }
.lxo-scale { display: flex; gap: 8px; align-items: center; font-size: 12px; flex-wrap: wrap; }
.lxo-scale i { width: 120px; height: 8px; border-radius: 4px; display: inline-block; }
</style>"""


@dataclass(frozen=True, eq=False)
class Cards:
    """Pictures of one page of the gallery, with captions."""

    pictures: Sequence[Pictures | None]  # inputs, (H, W, C); None for one that is not available
    reconstructions: Pictures  # (M, H, W, C)
    captions: Sequence[str]  # HTML
    reason: str = "not on this machine"  # why an input is not available


def cards_of_items(loaded: Loaded, items: Sequence[int], captions: Sequence[str]) -> Cards:
    """The cards of rows of the atlas."""
    shown = engine().decode_sync(loaded, loaded.atlas.mean[list(items)], background=True)
    reason = "not on this machine" if loaded.originals.state == "absent" else "being read"
    return Cards(loaded.originals.get(list(items)), shown, captions, reason)


def draw_cards(cards: Cards, key: str, actions: Callable[[int], None] | None = None) -> None:
    """Draws a card for each picture, as many side by side as fit.

    Arguments:
        cards: What to show.
        key: Streamlit's key, "ol-cards" or "ol-mine".
        actions: Draws the buttons of a card, given its index.
    """
    dark = st.context.theme.type == "dark"
    gaps = [
        None if picture is None else residual(picture, shown)
        for picture, shown in zip(cards.pictures, cards.reconstructions, strict=True)
    ]
    scale = _scale([gap for gap in gaps if gap is not None])
    st.html(STYLE + _legend(scale, dark))
    with st.container(horizontal=True, gap="small", key=key):
        for number, gap in enumerate(gaps):
            with st.container(border=True, gap="small"):
                st.html(_card(cards, number, gap, scale, dark))
                if actions is not None:
                    actions(number)


def pager(page: int, count: int, choose: Callable[[int], None], key: str = "ol") -> int:
    """Buttons to turn the pages of `count` pictures; returns the page shown, from 1, at most the last."""
    last = max(1, -(-count // PER_PAGE))
    page = min(page, last)
    if last > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "",
                icon=":material/chevron_left:",
                key=f"{key}_before",
                help="Previous page",
                disabled=page == 1,
                on_click=choose,
                args=(page - 1,),
            )
            st.markdown(f"Page {page} of {last}", width="content")
            st.button(
                "",
                icon=":material/chevron_right:",
                key=f"{key}_after",
                help="Next page",
                disabled=page == last,
                on_click=choose,
                args=(page + 1,),
            )
    return page


def links(loaded: Loaded, item: int) -> None:
    """Links from an image to other pages."""
    with st.container(horizontal=True, gap="xxsmall"):
        if st.button("Explore", icon=":material/explore:", key=f"ol_explore_{item}", help="Show on Explore"):
            navigation.go("Explore", loaded.name, a=str(item))
        if st.button("Anatomy", icon=":material/biotech:", key=f"ol_inside_{item}", help="Show on Anatomy"):
            navigation.go("Anatomy", loaded.name, item=str(item))


def residual_picture(gap: NDArray[np.float64], scale: float, dark: bool) -> Pictures:
    """A residual (H, W) in diverging colours, (H, W, 3): blue where the reconstruction is too bright, red where too dark."""
    stops = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in (DARK if dark else LIGHT)], float)
    at = (np.clip(gap / scale, -1, 1) + 1) / 2 * (len(stops) - 1)
    low = np.minimum(at.astype(int), len(stops) - 2)
    mixed = stops[low] + (at - low)[..., None] * (stops[low + 1] - stops[low])
    return np.ascontiguousarray(mixed.round().astype(np.uint8))


def _scale(gaps: Sequence[NDArray[np.float64]]) -> float:
    """The end of the scale for all residuals of a page: at least their 99th percentile."""
    extent = float(np.quantile(np.abs(np.stack(gaps)), 0.99)) if len(gaps) else 1.0
    return next((each for each in SCALES if each >= extent), 1.0)


def _legend(scale: float, dark: bool) -> str:
    colours = ", ".join(DARK if dark else LIGHT)
    return (
        '<div class="lxo-scale"><span>Input · reconstruction · residual</span>'
        f'<i style="background:linear-gradient(to right, {colours})"></i>'
        f"<span>−{scale:g} (reconstruction too bright) to +{scale:g} (too dark)</span></div>"
    )


def _card(cards: Cards, number: int, gap: NDArray[np.float64] | None, scale: float, dark: bool) -> str:
    parts = [
        _image(cards.pictures[number], "Input", cards.reason),
        _image(cards.reconstructions[number], "Reconstruction"),
        _image(None if gap is None else residual_picture(gap, scale, dark), "Residual", cards.reason),
    ]
    return f'<div class="lxo">{"".join(parts)}</div><div class="lxo-said">{cards.captions[number]}</div>'


def _image(picture: Pictures | None, alt: str, reason: str = "") -> str:
    if picture is None:
        return f'<div class="none">{escape(alt)}: {escape(reason)}</div>'
    data = base64.b64encode(picture_png(np.ascontiguousarray(picture))).decode("ascii")
    return f'<img alt="{escape(alt)}" title="{escape(alt)}" src="data:image/png;base64,{data}">'
