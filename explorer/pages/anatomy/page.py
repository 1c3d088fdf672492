"""The Anatomy page: one image through one model, from the input to the residual, with every term."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from explorer.catalogue import families
from explorer.components import anatomy as components
from explorer.live.stage import item_labels
from explorer.pages.anatomy import panels, url
from explorer.pages.anatomy.url import Limits, Shown
from explorer.pages.shared import (
    checkpoint_picker,
    controls,
    image_picker,
    navigation,
    sequence_note,
)
from explorer.pages.shared.layout import show_warnings
from explorer.pages.shared.page_state import PageState, able
from explorer.pages.shared.text import plain
from explorer.scene.engine import engine
from explorer.scene.inspection import EncodedImage, encode_item
from explorer.scene.likelihood import has_density
from explorer.scene.loaded import Loaded
from models.card import Card

S = st.session_state
page = PageState[Shown]("an")


def main() -> None:
    """Controls, the live image, and the panels below it."""
    entries = checkpoint_picker.entries()
    loaded = page.open_checkpoint(entries, refusal)
    if loaded is None:
        show_warnings(page.problems)
        checkpoint_picker.nothing_yet(entries)
        return
    limits = limits_of(loaded)
    read(loaded, limits)
    take_release(getattr(S.get("anatomy"), "edit", None), loaded, limits)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(able(entries, refusal), loaded, switch_model)
        image_picker.chooser(loaded, page.shown.item, choose_item, page.report)
        choose_dimensions(loaded)
    show_warnings(page.problems)
    state = loaded.originals.state  # read first, so that images loaded during `encode_item` are noticed
    encoded = encode_item(loaded, page.shown.item)
    st.caption(about_image(loaded, encoded))
    if state in image_picker.WAITING:
        image_picker.wait_for_originals(loaded)
    panels.heading(loaded, encoded)
    received = components.image(image_data(loaded, encoded))
    if take_release(received, loaded, limits):  # after a restart of the server the page has the newer state
        st.rerun()
    spec = loaded.decoder.model.spec
    if has_density(loaded):
        panels.exact_density(loaded, encoded)
    elif spec.discrete:
        link_to_codes(loaded)
    elif spec.sequence:
        sequence_note.note(
            loaded,
            "The input is the last frame of a sequence, without the frames before it: its latent is the mean "
            "of the belief after this one frame, not the state after the whole sequence. The Time page shows "
            "the belief frame by frame, and futures sampled from it.",
        )
    elif encoded.std is None:
        panels.deterministic_latent(loaded, encoded)
    else:
        panels.bound(loaded, encoded, page.shown.dims)
        panels.estimates(loaded, encoded)
    write_address(loaded)
    st.caption(checkpoint_picker.facts(loaded))


def refusal(card: Card) -> str:
    """Why the page cannot show a checkpoint; "" if it can."""
    if families.spec_of(card).encodes:
        return ""
    return f"{card.title or card.model} has no encoder, and this page shows how an image becomes a latent."


def link_to_codes(loaded: Loaded) -> None:
    """For discrete codes: why there is no posterior, and a link to the Codes page."""
    st.info(
        "This model encodes an image as one grid of codebook entries, so there is no posterior. The Codes "
        "page shows the grid over the picture, to edit and to interpolate.",
        icon=":material/grid_on:",
    )
    if st.button("Open in Codes", icon=":material/grid_on:", key="an_codes", type="primary"):
        navigation.go("Codes", loaded.name)


def limits_of(loaded: Loaded) -> Limits:
    """Limits of the address parameters and of edits for a model."""
    return Limits(loaded.count, loaded.latent, loaded.atlas.std is not None, loaded.atlas.names.from_address)


def read(loaded: Loaded, limits: Limits) -> None:
    """Reads what to show from the address or the defaults; keeps the image if another model has it."""
    loaded.originals.start()

    def reader(query: dict[str, str], previous: Any) -> tuple[Shown, list[str]]:
        item = image_picker.same_image(previous[0], previous[1], loaded) if previous else 0
        return url.from_query(query, Shown(item or 0, default_dimensions(loaded)), limits)

    page.load(reader)


def default_dimensions(loaded: Loaded) -> tuple[int, int]:
    """The two dimensions of the highest KL, or of the largest variance without a posterior."""
    if loaded.latent <= 2:  # with one dimension, the map is a strip
        return 0, 1
    first, second, *_ = (*loaded.weighed.order, 0, 0)
    return int(first), int(second)


def take_release(received: object, loaded: Loaded, limits: Limits) -> bool:
    """Adopts the edit that the browser sent at the end of a gesture.

    Returns:
        Whether it was new and for this model and these dimensions.
    """

    def reader(received: object) -> Shown | None:
        made_on = (loaded.name, page.shown.view)
        if isinstance(received, Mapping) and (received.get("model"), received.get("view")) != made_on:
            return None
        return url.from_json(received, page.shown, limits)

    return page.handle_release("anatomy", received, reader)


def choose_item(item: int) -> None:
    """Switches to another image, with z at its mean."""
    page.update(item=item, draw=None, turn={}, revise=True)


def choose_dimensions(loaded: Loaded) -> None:
    """Chooses the two dimensions of the map; eps is unchanged."""
    if loaded.latent < 3:
        return
    order = {str(dimension): str(dimension) for dimension in controls.spread_dimensions(loaded)}

    def changed(across: str, up: str) -> None:
        page.update(dims=(int(across), int(up)))

    controls.two_of("Dimension", order, [str(end) for end in page.shown.dims], 130, changed)


def switch_model(name: str) -> None:
    """Shows another checkpoint, with the same image if its data are the same."""
    before = engine().peek(page.model)
    page.switch_checkpoint(name, previous=(before, page.shown.item) if before else None)


def about_image(loaded: Loaded, encoded: EncodedImage) -> str:
    """One line on the image: its name and labels."""
    item = encoded.item
    parts = [f"**{plain(loaded.name_of(item))}**"]
    parts += [f"{plain(name)} {plain(value)}" for name, value in list(item_labels(loaded, item).items())[:8]]
    if encoded.source == "reconstruction" and loaded.originals.state == "absent":
        parts.append("its data set is not on this machine, so its reconstruction is used instead")
    return " · ".join(parts)


def image_data(loaded: Loaded, encoded: EncodedImage) -> dict[str, Any]:
    """The live component's data: small values and URLs."""
    shown: Shown = page.shown
    return {
        "model": controls.model_data(loaded),
        "socket": "/live/anatomy",
        "view": {
            "id": shown.view,
            "url": f"/live/atlas/{loaded.name}/view/{shown.view}?v={loaded.version}",
        },
        "dims": list(shown.dims),
        "probabilistic": encoded.std is not None,
        "likelihood": panels.has_bound(loaded, encoded),
        "edit": shown.as_json(),
        "revision": page.revision,
        "heard": page.heard,
    }


def write_address(loaded: Loaded) -> None:
    """Writes what is shown to the address bar."""
    page.write_address({"model": loaded.name} | url.query(page.shown, loaded.token_of))


main()
