"""The Codes page: the grid of discrete codes over a picture, to paint and to interpolate; the codebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from explorer.catalogue import families
from explorer.components import codes as components
from explorer.latent.geometry.grids import as_text
from explorer.pages.codes import samples, url
from explorer.pages.codes.url import Limits, Shown
from explorer.pages.shared import (
    checkpoint_picker,
    controls,
    image_picker,
)
from explorer.pages.shared.layout import show_warnings
from explorer.pages.shared.page_state import PageState, able
from explorer.scene.codebook import codebooks, grids_of, look_size
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from models.card import Card, Entry

S = st.session_state
page = PageState[Shown]("cd")
VIEW = "dims-0-1"  # the socket opens a model with a view; this one is free to compute
PAPERS = (
    "[van den Oord et al. 2017](https://arxiv.org/abs/1711.00937) · "
    "[Razavi et al. 2019](https://arxiv.org/abs/1906.00446)"
)


def main() -> None:
    """Controls, the grid to paint on, and samples from the prior below it."""
    entries = checkpoint_picker.entries()
    discrete = able(entries, refusal)
    loaded = page.open_checkpoint(entries, refusal)
    if loaded is None:
        show_warnings(page.problems)
        none_yet(entries)
        return
    try:
        with st.spinner(f"Reading the codes of {loaded.count:,} images …"):
            limits = limits_of(loaded)
    except ValueError as error:
        checkpoint_picker.button(discrete, loaded, switch_model)
        show_warnings([*page.problems, str(error)])
        return
    read(loaded, limits)
    take_release(getattr(S.get("codes"), "edit", None), loaded, limits)
    take_sample(getattr(S.get("code_samples"), "edit", None), loaded)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(discrete, loaded, switch_model)
        image_picker.chooser(
            loaded, item_of(page.shown.a), lambda item: choose(a=item), page.report, "code_a", "Image A"
        )
        st.button("", icon=":material/swap_horiz:", key="cd_swap", help="Swap A and B", on_click=swap)
        image_picker.chooser(
            loaded, item_of(page.shown.b), lambda item: choose(b=item), page.report, "code_b", "Image B"
        )
    show_warnings(page.problems)
    head()
    data = grid_data(loaded, limits)
    if loaded.originals.state in image_picker.WAITING:
        image_picker.wait_for_originals(loaded)
    received = components.grid(data)
    if take_release(received, loaded, limits):
        st.rerun()
    st.caption(usage(loaded))
    if take_sample(samples.panel(loaded, text_of(loaded, "codes")), loaded):
        st.rerun()
    write_address(loaded, limits)
    st.caption(checkpoint_picker.facts(loaded))


def refusal(card: Card) -> str:
    """Why the page cannot show a checkpoint; "" if it can."""
    if families.spec_of(card).discrete:
        return ""
    return f"{card.name} has no discrete codes: its latent is continuous."


def none_yet(entries: list[Entry]) -> None:
    """Instructions for when no checkpoint has discrete codes."""
    st.title("Codes")
    st.info(
        "No checkpoint with discrete codes can be used yet. Train a VQ-VAE on the bundled digits, with a "
        "prior over its codes, then encode the images:\n\n"
        "```\npython -m models train vq-vae --data digits --epochs 40 --prior-epochs 20 --rate 0.003 "
        "--set codebook=64 latent=8 --out runs/digits-vq-vae\npython -m explorer.atlas digits-vq-vae\n```\n\n"
        "For two levels of codes, use `vq-vae-2`.",
        icon=":material/model_training:",
    )
    if any(entry.card for entry in entries):
        st.page_link("explore/page.py", label="Explore the other checkpoints", icon=":material/arrow_back:")


def limits_of(loaded: Loaded) -> Limits:
    """Limits of the address parameters and of edits for a model.

    Raises:
        ValueError: If its grids are too large to be edited.
    """
    books = codebooks(loaded)
    return Limits(
        loaded.count,
        tuple(book.name for book in books),
        tuple(book.grid for book in books),
        books[0].count,
        loaded.atlas.names.from_address,
    )


def read(loaded: Loaded, limits: Limits) -> None:
    """Reads what to show from the address, else from the defaults."""
    loaded.originals.start()

    def reader(query: dict[str, str], previous: Any) -> tuple[Shown, list[str]]:
        default = Shown(0, unlike(loaded, 0), level=0)
        before, items = previous or (loaded, ())
        rows = [image_picker.same_image(before, item, loaded) for item in items if item is not None]
        if len(rows) == 2 and None not in rows:
            default = replace(default, a=rows[0], b=rows[1])  # type: ignore[arg-type]
        return url.from_query(query, default, limits)

    page.load(reader)


def unlike(loaded: Loaded, item: int) -> int:
    """The first image of another class, else the next image."""
    for attribute in loaded.atlas.attributes.values():
        if attribute.kind == "categorical":
            others = np.flatnonzero((attribute.values != attribute.values[item]) & attribute.known)
            if len(others):
                return int(others[0])
    return min(item + 1, loaded.count - 1)


def take_release(received: object, loaded: Loaded, limits: Limits) -> bool:
    """Adopts the edit that the browser sent at the end of a gesture.

    Returns:
        Whether it was new and applies to what is shown.
    """

    def reader(received: object) -> Shown | None:
        if not isinstance(received, Mapping) or received.get("model") != loaded.name:
            return None
        return url.from_json(received, page.shown, limits)

    return page.handle_release("codes", received, reader)


def take_sample(received: object, loaded: Loaded) -> bool:
    """Loads a clicked sample as A or B; returns whether the click was new."""

    def apply(received: object) -> bool:
        text = samples.clicked(received, loaded)
        if text is None or not isinstance(received, Mapping):
            return False
        choose(**{"a" if received.get("side") == "a" else "b": text})
        return True

    return page.now.handle("samples", received, apply)


def choose(**images: int | str) -> None:
    """Replaces A or B; a new A discards what was painted, a new B does not."""
    page.update(**images, **({"codes": None} if "a" in images else {}), revise=True)


def swap() -> None:
    """Swaps A and B, and discards what was painted on A."""
    choose(a=page.shown.b, b=page.shown.a)


def switch_model(name: str) -> None:
    """Shows another checkpoint, with the same images if its data are the same."""
    before, shown = engine().peek(page.model), page.now.shown
    page.switch_checkpoint(
        name, previous=(before, [item_of(shown.a), item_of(shown.b)]) if before and shown else None
    )


def item_of(image: int | str) -> int | None:
    """The row of the atlas; None for a sample."""
    return image if isinstance(image, int) else None


def text_of(loaded: Loaded, name: str) -> str:
    """The codes of image "a" or "b", or the painted ones ("codes"), as text."""
    shown: Shown = page.shown
    if name == "codes":
        return shown.codes or text_of(loaded, "a")
    image = getattr(shown, name)
    return as_text(grids_of(loaded, image)) if isinstance(image, int) else str(image)


def head() -> None:
    """The introduction of the page, with its equation."""
    st.latex(
        r"k_{ij} = \arg\min_k \lVert z_{ij}(x) - e_k \rVert, \qquad \hat x = g\big(e_{k_{11}}, \dots\big)"
    )
    st.caption(
        "Each cell of the grid contains one code, an index into the codebook: that of the vector e nearest "
        "to the encoder's output z for the cell. Press and drag on the picture to paint: the cells take B's "
        f"codes, or a code that you picked, and the picture is decoded as you paint. {PAPERS}"
    )


def usage(loaded: Loaded) -> str:
    """Usage and perplexity of each codebook over the atlas."""
    usages = []
    for book in codebooks(loaded):
        p = book.uses[book.uses > 0] / book.uses.sum()
        perplexity = float(np.exp(-(p * np.log(p)).sum()))
        name = "" if len(codebooks(loaded)) == 1 else f"{book.name}: "
        usages.append(
            f"{name}{(book.uses > 0).sum():,} of {book.count:,} codes used, perplexity {perplexity:,.0f}"
        )
    return f"Over the atlas's {loaded.count:,} images. {' · '.join(usages).capitalize()}."


def grid_data(loaded: Loaded, limits: Limits) -> dict[str, Any]:
    """The grid component's data: small values and URLs."""
    shown: Shown = page.shown
    base, version = f"/live/atlas/{loaded.name}/codes", f"?v={loaded.version}"
    return {
        "model": controls.model_data(loaded),
        "socket": "/live/codes",
        "view": VIEW,
        "levels": [
            {
                "name": name,
                "rows": rows,
                "columns": columns,
                "codes": limits.codes,
                "url": f"{base}/{level}{version}",
                "looks": f"{base}/{level}/looks{version}",
                "look": list(look_size(loaded, level)),
            }
            for level, (name, (rows, columns)) in enumerate(zip(limits.levels, limits.shapes, strict=True))
        ],
        "images": {
            name: {"item": item_of(getattr(shown, name)), "codes": text_of(loaded, name)}
            for name in ("a", "b")
        },
        "edit": shown.as_json(),
        "revision": page.revision,
        "heard": page.heard,
    }


def write_address(loaded: Loaded, limits: Limits) -> None:
    """Writes what is shown to the address bar."""
    page.write_address({"model": loaded.name} | url.query(page.shown, limits, loaded.token_of))


main()
