"""The Anatomy page: one image through one model, from the input to the residual, with every term on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from explorer.components import anatomy as components
from explorer.latent.statistics.densities import kl_to_prior
from explorer.live.stage import item_labels
from explorer.pages.anatomy import panels, url
from explorer.pages.anatomy.url import Limits, Shown
from explorer.pages.shared import (
    address,
    checkpoint_picker,
    controls,
    image_picker,
    navigation,
    opening,
    releases,
    sequence_note,
)
from explorer.pages.shared.layout import warn_of
from explorer.pages.shared.text import plain
from explorer.scene.engine import engine
from explorer.scene.inspection import Specimen, examine
from explorer.scene.likelihood import has_density
from explorer.scene.loaded import Loaded

S = st.session_state


def main() -> None:
    """Controls, the live image, and the panels under it."""
    entries = checkpoint_picker.entries()
    loaded = opening.opened("an", entries)
    if loaded is None:
        warn_of(S.an_problems)
        checkpoint_picker.nothing_yet(entries)
        return
    limits = limits_of(loaded)
    settle(loaded, limits)
    take_release(getattr(S.get("anatomy"), "edit", None), loaded, limits)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(entries, loaded, switch_model)
        image_picker.chooser(loaded, S.an_shown.item, choose_item, tell)
        choose_dimensions(loaded)
    warn_of(S.an_problems)
    state = (
        loaded.originals.state
    )  # read first: pictures that come while the image is examined are not missed
    specimen = examine(loaded, S.an_shown.item)
    st.caption(about_image(loaded, specimen))
    if state in image_picker.WAITING:
        image_picker.wait_for_originals(loaded)
    panels.way_through(loaded, specimen)
    kept = components.image(image_data(loaded, specimen))
    if take_release(kept, loaded, limits):  # a page that outlived the server knows more than the new session
        st.rerun()
    spec = loaded.decoder.model.spec
    if has_density(loaded):
        panels.exactly(loaded, specimen)
    elif spec.discrete:
        to_codes(loaded)
    elif spec.sequence:
        sequence_note.note(
            loaded,
            "The input is the last frame of a sequence, shown to the model by itself: its latent is the mean of the belief "
            "after this one frame, not the state after the whole sequence. What the belief comes to know frame by frame, "
            "and the futures drawn from it, are on the Time page.",
        )
    elif specimen.std is None:
        panels.what_it_lacks(loaded, specimen)
    else:
        panels.bound(loaded, specimen, S.an_shown.dims)
        panels.estimates(loaded, specimen)
    write_address(loaded)
    st.caption(checkpoint_picker.facts(loaded))


def to_codes(loaded: Loaded) -> None:
    """For discrete codes: why there is no posterior to look into, and the way to the page that shows the grid."""
    st.info(
        "This model encodes an image as one grid of codebook entries, so there is no posterior to look into. The Codes page "
        "shows the grid over the picture, to paint on and to interpolate.",
        icon=":material/grid_on:",
    )
    if st.button("Open in Codes", icon=":material/grid_on:", key="an_codes", type="primary"):
        navigation.go("Codes", loaded.name)


def limits_of(loaded: Loaded) -> Limits:
    """What links and the browser may ask of a model."""
    return Limits(loaded.count, loaded.latent, loaded.atlas.std is not None, loaded.atlas.names.from_address)


def settle(loaded: Loaded, limits: Limits) -> None:
    """Fills in what is shown: from the address, or the defaults; on another model the image stays if it can."""
    loaded.originals.start()
    if S.an_shown is not None:
        return
    S.an_revision = S.get("an_revision", 0) + 1
    default = Shown(0, default_dimensions(loaded))
    kept = S.pop("an_kept", None)
    if kept is not None:
        before, item = kept
        row = image_picker.same_image(before, item, loaded)
        default = replace(default, item=row or 0)
    S.an_shown, problems = url.from_query(S.an_asked, default, limits)
    S.an_problems += [f"In the address: {problem} Using the default." for problem in problems]


def default_dimensions(loaded: Loaded) -> tuple[int, int]:
    """The two dimensions that say the most: of the highest KL, or along which the codes spread the most."""
    if loaded.latent <= 2:  # of one, the map is a strip
        return 0, 1
    atlas = loaded.atlas
    weight = atlas.mean.var(0) if atlas.std is None else kl_to_prior(atlas.mean, atlas.std).mean(0)
    first, second, *_ = (*np.argsort(-weight, kind="stable"), 0, 0)
    return int(first), int(second)


def take_release(received: object, loaded: Loaded, limits: Limits) -> bool:
    """Takes over what the browser sent when the hand let go; what does not hold is told and left.

    Returns:
        Whether it was new and for this model and these dimensions.
    """

    def follow(received: object) -> bool:
        shown: Shown = S.an_shown
        made_on = (loaded.name, shown.view)
        if isinstance(received, Mapping) and (received.get("model"), received.get("view")) != made_on:
            return False
        S.an_problems = []
        try:
            S.an_shown = url.from_json(received, shown, limits)
        except ValueError as error:
            S.an_problems = [f"The browser sent an edit that does not hold: {error}"]
        return True

    return releases.take("an_received", received, follow)


def choose_item(item: int) -> None:
    """Another image, at its mean."""
    S.an_shown = Shown(item, S.an_shown.dims)
    S.an_revision += 1
    S.an_problems = []


def tell(problem: str) -> None:
    """Shows what cannot be followed."""
    S.an_problems = [problem]


def choose_dimensions(loaded: Loaded) -> None:
    """Which two dimensions the map shows; eps stays as it was turned."""
    if loaded.latent < 3:
        return
    order = {str(dimension): str(dimension) for dimension in controls.spread_dimensions(loaded)}

    def changed(across: str, up: str) -> None:
        S.an_shown = replace(S.an_shown, dims=(int(across), int(up)))
        S.an_problems = []

    controls.two_of("Dimension", order, [str(end) for end in S.an_shown.dims], 130, changed)


def switch_model(name: str) -> None:
    """Shows another checkpoint, with the same image where its data are the same."""
    before = engine().peek(S.an_model)
    if before is not None:
        S.an_kept = (before, S.an_shown.item)
    opening.leave("an", name)


def about_image(loaded: Loaded, specimen: Specimen) -> str:
    """One line on the image: where it is from, and what is known of it."""
    item = specimen.item
    parts = [f"**{loaded.name_of(item)}**"]
    parts += [f"{plain(name)} {plain(value)}" for name, value in list(item_labels(loaded, item).items())[:8]]
    if specimen.source == "reconstruction" and loaded.originals.state == "absent":
        parts.append("its data set is not on this machine, so its reconstruction stands in")
    return " · ".join(parts)


def image_data(loaded: Loaded, specimen: Specimen) -> dict[str, Any]:
    """What the live image is told: small values and addresses."""
    shown: Shown = S.an_shown
    return {
        "model": controls.model_data(loaded),
        "socket": "/live/anatomy",
        "view": {
            "id": shown.view,
            "url": f"/live/atlas/{loaded.name}/view/{shown.view}?v={loaded.version}",
        },
        "dims": list(shown.dims),
        "probabilistic": specimen.std is not None,
        "likelihood": panels.has_bound(loaded, specimen),
        "edit": shown.as_json(),
        "revision": S.an_revision,
    }


def write_address(loaded: Loaded) -> None:
    """Puts what is shown into the address bar."""
    address.put("an", {"model": loaded.name} | url.query(S.an_shown, loaded.token_of))


main()
