"""The result of an expression of items on the Directions page: its picture, and the nearest items."""

from __future__ import annotations

from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.latent.attribute_values import value_text
from explorer.latent.directions import expressions
from explorer.pages.directions.estimators import picture_address
from explorer.pages.shared import navigation
from explorer.pages.shared.text import with_code
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded

__all__ = ["answer"]

NEAREST = 6
STYLE = """<style>
.lx-dr-answer { display: flex; flex-wrap: wrap; gap: 0.9rem 1.1rem; align-items: flex-end; }
.lx-dr-answer figure { margin: 0; width: 84px; }
.lx-dr-answer figure.lx-dr-main { width: 150px; }
.lx-dr-answer img { width: 100%; image-rendering: pixelated; border-radius: 4px; display: block; }
.lx-dr-answer figcaption { font-size: 0.78rem; opacity: 0.8; margin-top: 0.15rem; line-height: 1.25; min-height: 3.75em; }
.lx-dr-answer .lx-dr-sign { font-size: 1.4rem; align-self: center; opacity: 0.7; }
</style>"""


def answer(loaded: Loaded, text: str, z: NDArray[np.float32]) -> None:
    """Shows the latent of an expression of items.

    Arguments:
        loaded: The model.
        text: The expression.
        z: Its latent, shape (D,).
    """
    with st.container(border=True):
        st.markdown("##### The result and its nearest images")
        combination = expressions.parse(text, loaded.directions, loaded.has, loaded.atlas.names.find)
        items = [item for item, weight in combination.items.items() if weight]
        index, distance = loaded.neighbours.nearest(z[None], min(loaded.count, NEAREST + len(items)))
        near = [(int(i), float(d)) for i, d in zip(index[0], distance[0], strict=True) if i not in items][
            :NEAREST
        ]
        numbers = [*items, *(i for i, _ in near)]
        latents = np.concatenate([z[None], loaded.latents(numbers)])
        pictures = [picture_address(picture) for picture in engine().decode_sync(loaded, latents)]
        parts: list[str] = []
        for (item, weight), picture in zip(
            ((i, combination.items[i]) for i in items), pictures[1 : 1 + len(items)], strict=True
        ):
            parts.append(
                f'<span class="lx-dr-sign">{"−" if weight < 0 else "+"}</span>' if parts or weight < 0 else ""
            )
            size = "" if abs(weight) == 1 else f"{abs(weight):.3g} × "
            parts.append(_figure(picture, f"{size}{loaded.name_of(item)}"))
        parts.append('<span class="lx-dr-sign">=</span>')
        parts.append(_figure(pictures[0], "result", "lx-dr-main"))
        parts.append('<span class="lx-dr-sign">≈</span>')
        for (item, gap), picture in zip(near, pictures[1 + len(items) :], strict=True):
            parts.append(
                _figure(
                    picture,
                    "\n".join((loaded.name_of(item), *_class_of(loaded, item), f"distance {gap:.2f}")),
                )
            )
        st.html(STYLE + f'<div class="lx-dr-answer">{"".join(parts)}</div>')
        st.caption(
            "All pictures are decoded. Images of the expression are not among the nearest ones; its directions are added to "
            "the result. " + loaded.neighbours.described
        )
        with st.container(horizontal=True, gap="small"):
            if st.button(
                "Save as a picture and open on Explore", icon=":material/open_in_new:", key="dr_keep_answer"
            ):
                _open(loaded, text, z)


def _open(loaded: Loaded, text: str, z: NDArray[np.float32]) -> None:
    try:
        own = loaded.keep_own(text.strip()[:80], engine().decode_sync(loaded, z)[0], z)
    except (ValueError, OSError) as error:
        st.error(f"The picture was not saved: {with_code(str(error))}")
        return
    navigation.go("Explore", loaded.name, a=str(own.item))


def _class_of(loaded: Loaded, item: int) -> list[str]:
    """The item's class, if the collection has classes."""
    for attribute in loaded.atlas.attributes.values():
        if attribute.kind == "categorical" and attribute.known[item]:
            return [f"{attribute.title.lower()} {value_text(attribute, item)}"]
    return []


def _figure(picture: str, caption: str, kind: str = "") -> str:
    return (
        f'<figure class="{kind}"><img src="{picture}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption).replace(chr(10), '<br>')}</figcaption></figure>"
    )
