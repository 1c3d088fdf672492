"""The Samples page: samples (prior, mixture, near an image, by attribute), traversals, the latent plane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from explorer.catalogue import families
from explorer.components import samples as components
from explorer.latent.statistics.mixtures import COMPONENTS_AT_MOST, FITTED_AT_MOST
from explorer.pages.samples import panels, url
from explorer.pages.samples.url import (
    COUNTS,
    LEAST_TRUNCATION,
    RANGES,
    ROWS,
    SEED_AT_MOST,
    SIDES,
    Limits,
    Shown,
)
from explorer.pages.shared import (
    checkpoint_picker,
    image_picker,
    navigation,
)
from explorer.pages.shared.item_field import item_field
from explorer.pages.shared.layout import show_warnings, side_by_side
from explorer.pages.shared.page_state import PageState, able
from explorer.pages.shared.text import plain, with_code
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from models.card import Card, Entry

S = st.session_state
page = PageState[Shown]("sm", lambda shown: kind(shown))
SHOWS = {"samples": "Samples", "traversals": "Dimensions", "manifold": "Plane"}
SOURCES = {
    "prior": "Prior",
    "mixture": "Mixture",
    "near": "Near an image",
    "value": "By attribute",
}
FORMULAS = {
    "prior": r"z = \tau\,\varepsilon, \quad \varepsilon \sim \mathcal{N}(0, I), \quad \hat x = g(z)",
    "mixture": r"z \sim \sum_k w_k\, \mathcal{N}(\mu_k, \Sigma_k), \quad \hat x = g(z)",
    "near": r"z = z_0 + r\,\varepsilon, \quad \varepsilon \sim \mathcal{N}(0, I), \quad \hat x = g(z)",
    "value": r"z \sim \sum_k w_k\, \mathcal{N}(\mu_k, \Sigma_k)\ \text{of the images with the value}",
}
GAUGE = (
    "Number under each picture: the picture is encoded, and the distance of its latent to the 10th nearest "
    "image is given as a percentile of those of posterior draws of held-out images; 90 and above is unusual."
)
GHOSH = "[Ghosh et al. 2019](https://arxiv.org/abs/1903.12436)"
BROCK = "[Brock et al. 2018](https://arxiv.org/abs/1809.11096)"


def main() -> None:
    """Controls, the grid of pictures, and the selected one."""
    entries = checkpoint_picker.entries()
    loaded = page.open_checkpoint(entries, refusal)
    if loaded is None:
        show_warnings(page.problems)
        none_yet(entries)
        return
    limits = limits_of(loaded)
    settle(loaded, limits)
    shown: Shown = page.shown
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(able(entries, refusal), loaded, switch_model)
        choose_what(limits, shown)
        {"samples": sample_controls, "traversals": row_controls, "manifold": plane_controls}[shown.show](
            loaded, limits, shown
        )
        downloads = st.container(width="content")
    show_warnings(page.problems)
    explanation = st.container()
    try:
        gallery = panels.decode_shown(loaded, shown)
    except ValueError as error:
        st.warning(with_code(str(error)))
        return
    with explanation:
        explain(loaded, limits, shown, gallery)
    with downloads:
        panels.downloads(loaded, gallery, shown)
    chosen = S.get("sm_chosen")
    index = chosen[1] if chosen is not None and chosen[0] == gallery.mark else None
    # The selected picture has its own column, so that the grid does not shift under the pointer.
    left, right = side_by_side([5, 3], "sm-body")
    with left:
        click = components.gallery(panels.gallery_data(loaded, gallery, index))
    if take_click(click, gallery):
        st.rerun()
    with right, st.container(key="sm-picked"):
        if index is not None:
            panels.show_selected(loaded, gallery, index, name_of(gallery, shown, index), page.report)
        else:
            st.caption("Click a picture to enlarge it and to put a handle on it.")
    page.write_address({"model": loaded.name} | url.query(shown, loaded.token_of))
    st.caption(checkpoint_picker.facts(loaded))


def refusal(card: Card) -> str:
    """Why the page cannot show a checkpoint; "" if it can."""
    spec = families.spec_of(card)
    if spec.discrete:
        return f"{card.title or card.model} has discrete codes. Its samples are on the Codes page."
    if spec.sequence:
        return f"{card.title or card.model} generates sequences. Its samples are on the Time page."
    return ""


def none_yet(entries: list[Entry]) -> None:
    """Instructions for when no checkpoint has a continuous latent."""
    st.title("Samples")
    cards = [entry.card for entry in entries if entry.card]
    if not cards:
        checkpoint_picker.nothing_yet(entries)
        return
    st.info(
        "No checkpoint has a continuous latent to sample. Train a VAE on the bundled digits:\n\n"
        "```\npython -m models train vae --data digits --out runs/digits-vae\npython -m explorer.atlas "
        "digits-vae\n```",
        icon=":material/model_training:",
    )
    for title, what in (("Codes", "discrete"), ("Time", "sequence")):
        name = next(
            (entry.name for entry in entries if entry.card and getattr(families.spec_of(entry.card), what)),
            "",
        )
        if name and st.button(f"Open {name} in {title}", key=f"sm_to_{title}"):
            navigation.go(title, name)


def limits_of(loaded: Loaded) -> Limits:
    """The limits of address parameters for a model."""
    spec = loaded.decoder.model.spec
    counts = {name: len(masks) for name, masks in panels.values(loaded).items()}
    return Limits(loaded.has, spec.prior, loaded.latent == 2, counts, loaded.atlas.names.from_address)


def settle(loaded: Loaded, limits: Limits) -> None:
    """Reads what to show from the address, else from the defaults."""

    def reader(query: dict[str, str], previous: Any) -> tuple[Shown, list[str]]:
        attribute = next(iter(limits.values), "")
        named = query.get("source") in limits.sources  # then the default is not computed
        source = "prior" if limits.prior and (named or panels.prior_fits(loaded)) else "mixture"
        default = Shown(source=source, attribute=attribute)
        if previous is not None:
            default = like(previous[0], previous[1], default, loaded, limits)
        return url.from_query(query, default, limits)

    page.load(reader)
    if page.shown.item is not None and not loaded.has(page.shown.item):
        page.shown = replace(page.shown, item=None)
    if page.shown.source == "near" and page.shown.item is None:
        page.shown = replace(page.shown, item=0)


def like(before: Loaded, shown: Shown, default: Shown, loaded: Loaded, limits: Limits) -> Shown:
    """What was shown of another model, as far as this one supports it."""
    item = (
        image_picker.same_image(before, shown.item, loaded)
        if (shown.item or 0) < before.count and shown.item
        else None
    )
    value = shown.value if shown.value < limits.values.get(shown.attribute, 0) else 0
    return replace(
        shown,
        show=shown.show if shown.show in limits.shows else "samples",
        source=shown.source if shown.source in limits.sources else default.source,
        attribute=shown.attribute if shown.attribute in limits.values else default.attribute,
        value=value,
        item=item,
    )


# Controls


def choose_what(limits: Limits, shown: Shown) -> None:
    """Chooses samples, dimensions, or the plane of a two-dimensional latent."""
    S.sm_show = shown.show
    st.segmented_control(
        "Show",
        limits.shows,
        key="sm_show",
        format_func=SHOWS.__getitem__,
        required=True,
        on_change=lambda: page.update(show=S.sm_show),
    )


def sample_controls(loaded: Loaded, limits: Limits, shown: Shown) -> None:
    """Source of the latents, temperature and truncation."""
    S.sm_source = shown.source
    st.selectbox(
        "Draw from",
        limits.sources,
        key="sm_source",
        format_func=SOURCES.__getitem__,
        width=130,
        on_change=lambda: page.update(source=S.sm_source),
    )
    if shown.source == "value":
        choose_value(loaded, shown)
    if shown.source == "near":
        choose_item(loaded, shown, "Image")
        number_slider(
            "radius", "Radius", shown, 0.05, "Standard deviation of the noise, in prior standard deviations"
        )
    else:
        number_slider(
            "temperature",
            "Temperature",
            shown,
            0.05,
            "Factor of the standard deviation: 1 samples the distribution itself, less stays near its mean.",
        )
    if shown.source == "prior":
        number_slider(
            "truncation",
            "Truncation",
            shown,
            LEAST_TRUNCATION,
            f"Components beyond this many standard deviations are redrawn; 0 for no truncation. {BROCK}",
        )
    if shown.source in ("mixture", "value"):
        S.sm_components = shown.components
        st.number_input(
            "Gaussians",
            1,
            COMPONENTS_AT_MOST,
            key="sm_components",
            width=110,
            on_change=lambda: page.update(of=kind(shown), components=int(S.sm_components or 1)),
        )
    count_controls(shown)


def count_controls(shown: Shown) -> None:
    """Count and seed."""
    S.sm_count, S.sm_seed = shown.count, shown.seed
    st.selectbox(
        "Samples",
        COUNTS,
        key="sm_count",
        width=90,
        on_change=lambda: page.update(of=kind(shown), count=S.sm_count),
    )
    st.number_input(
        "Seed",
        0,
        SEED_AT_MOST,
        key="sm_seed",
        width=90,
        help="The same seed gives the same samples.",
        on_change=lambda: page.update(of=kind(shown), seed=int(S.sm_seed or 0)),
    )
    st.button(
        "Another seed",
        icon=":material/casino:",
        key="sm_again",
        on_click=lambda: page.update(seed=int(np.random.default_rng().integers(100_000))),
    )


def choose_value(loaded: Loaded, shown: Shown) -> None:
    """Chooses an attribute and one of its values."""
    known = panels.values(loaded)
    attributes = loaded.atlas.attributes
    S.sm_attribute = shown.attribute
    st.selectbox(
        "Attribute",
        list(known),
        key="sm_attribute",
        width=150,
        format_func=lambda name: attributes[name].title,
        on_change=lambda: page.update(of=kind(shown), attribute=S.sm_attribute, value=0),
    )
    named = list(known[shown.attribute])
    S.sm_value = named[shown.value]

    def changed() -> None:
        if S.sm_value in named:  # not a value of the previous attribute
            page.update(of=kind(shown), value=named.index(S.sm_value))

    st.selectbox("Value", named, key="sm_value", width=130, on_change=changed)


def choose_item(loaded: Loaded, shown: Shown, label: str) -> None:
    """Chooses an image, by its name or at random."""
    item_field(
        loaded,
        label,
        "sm_item",
        shown.item,
        lambda item: page.update(of=kind(shown), item=item),
        page.report,
        empty="Mean",
    )
    st.button(
        "Random",
        icon=":material/casino:",
        key="sm_item_any",
        on_click=lambda: page.update(item=int(np.random.default_rng().integers(loaded.count))),
    )


def number_slider(name: str, label: str, shown: Shown, step: float, about: str) -> None:
    """A slider for one of `RANGES`."""
    key = f"sm_{name}"
    S[key] = getattr(shown, name)
    st.slider(
        label,
        *RANGES[name],
        key=key,
        step=step,
        width=120,
        help=about,
        on_change=lambda: page.update(of=kind(shown), **{name: S[key]}),
    )


def row_controls(loaded: Loaded, limits: Limits, shown: Shown) -> None:
    """Start, number and reach of the traversals."""
    choose_item(loaded, shown, "Start at image")
    if shown.item is not None:
        st.button(
            "The mean", icon=":material/close:", key="sm_item_off", on_click=lambda: page.update(item=None)
        )
    if loaded.latent > ROWS[0]:  # else all dimensions are shown
        S.sm_rows = shown.rows
        st.selectbox(
            "Dimensions", ROWS, key="sm_rows", width=110, on_change=lambda: page.update(rows=S.sm_rows)
        )
    number_slider("reach", "Reach", shown, 0.5, "Distance to both sides, in standard deviations")


def plane_controls(loaded: Loaded, limits: Limits, shown: Shown) -> None:
    """Number of pictures along a side of the plane."""
    S.sm_side = shown.side
    st.selectbox(
        "Pictures a side", SIDES, key="sm_side", width=130, on_change=lambda: page.update(side=S.sm_side)
    )


def kind(shown: Shown) -> tuple[str, str, str]:
    """What determines which controls are rendered."""
    return shown.show, shown.source, shown.attribute


def switch_model(name: str) -> None:
    """Shows another checkpoint with the same settings, as far as possible."""
    before = engine().peek(page.model)
    page.switch_checkpoint(name, previous=(before, page.shown) if before else None)


# Explanations


def explain(loaded: Loaded, limits: Limits, shown: Shown, gallery: panels.Gallery) -> None:
    """Explains the pictures, with the formula."""
    if shown.show == "samples":
        explain_samples(loaded, limits, shown, gallery)
    elif shown.show == "traversals":
        by = (
            "KL to the prior in nats, the mean over all images: the information that the dimension carries"
            if loaded.atlas.std is not None
            else "the variance of the images' latents; s is their standard deviation"
        )
        start = "the mean latent" if shown.item is None else plain(loaded.name_of(shown.item))
        st.caption(
            f"Each row changes one dimension and keeps the others at {start}. Rows are ordered by {by}."
        )
    else:
        scaled = (
            ""
            if limits.prior
            else ", scaled to the mean and spread of the images' latents, as the model has no prior"
        )
        st.caption(
            "The whole latent space: dimension 0 to the right, dimension 1 upwards. The pictures are spaced "
            f"at equal quantiles of a Gaussian{scaled}. "
            "[Kingma & Welling 2013](https://arxiv.org/abs/1312.6114)"
        )


def explain_samples(loaded: Loaded, limits: Limits, shown: Shown, gallery: panels.Gallery) -> None:
    """Explains where the samples come from."""
    st.latex(FORMULAS[shown.source])
    sampled = loaded.count > FITTED_AT_MOST
    fitted = f"a random sample of {FITTED_AT_MOST:,}" if sampled else f"all {loaded.count:,}"
    text = {
        "prior": "Latents drawn from the model's prior. A low temperature or truncation gives more typical, "
        "less varied pictures.",
        "mixture": "Latents drawn from a mixture of Gaussians that is fitted to the latents of "
        f"{fitted} images. {GHOSH}",
        "near": "Latents drawn around that of one image.",
        "value": "Latents drawn from Gaussians that are fitted to the latents of the images with this value.",
    }[shown.source]
    if shown.source == "mixture" and limits.prior and not panels.prior_fits(loaded):
        text += (
            " Most draws from this model's prior decode to unusual pictures, so the mixture is the default."
        )
    if not limits.prior:
        text += " This model has no prior: its training does not define which latents are likely."
    if shown.source == "prior" and loaded.atlas.std is not None and panels.strays(gallery):
        text += (
            " Most of the drawn latents are far from those of the images. This is expected: the images' "
            "latents are posterior means, which lie close together in dimensions that the model hardly uses."
        )
    st.caption(f"{text}{' ' + GAUGE if gallery.seen is not None else ''}")


def name_of(gallery: panels.Gallery, shown: Shown, index: int) -> str:
    """Title of the picture at an index."""
    row, column = divmod(index, gallery.columns)
    if shown.show == "traversals":
        return f"Dimension {gallery.names[row].split()[0]} at {gallery.heads[column]}"
    if shown.show == "manifold":
        return f"Plane at {gallery.latents[index, 0]:.2f}, {gallery.latents[index, 1]:.2f}"
    return f"Sample {index + 1}, seed {shown.seed}"


def take_click(received: object, gallery: panels.Gallery) -> bool:
    """Handles a click on a picture; returns whether it was new."""
    before = S.get("sm_chosen")  # a click on the selected picture deselects it

    def apply(received: object) -> bool:
        index = panels.clicked(received, gallery)
        if index is None:
            return False
        S.sm_chosen = None if before == (gallery.mark, index) else (gallery.mark, index)
        return True

    return page.now.handle("gallery", received, apply)


main()
