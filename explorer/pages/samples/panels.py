"""Panels of the Samples page: latents to show, the gallery's data, the selected picture, downloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.latent.statistics import draws
from explorer.latent.statistics.mixtures import Mixture, fit
from explorer.pages.paths.panels import sheet
from explorer.pages.samples.url import Shown
from explorer.pages.shared import navigation
from explorer.pages.shared.downloads import SCALE, offer
from explorer.pages.shared.picture import show_picture
from explorer.pages.shared.text import plain
from explorer.scene import samples as sampling
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import exports

__all__ = [
    "Gallery",
    "clicked",
    "decode_shown",
    "downloads",
    "gallery_data",
    "show_selected",
    "strays",
    "values",
]

S = st.session_state
Floats = NDArray[np.float32]
TRIED = 16  # draws that decide whether the prior fits the data
UNUSUAL = 95.0  # percentile of the distance to the data
SHOWN_AT = 128  # pixels, side of the selected picture


@dataclass(frozen=True, eq=False)
class Gallery:
    """The pictures shown, in rows."""

    mark: str  # identifies the set
    latents: Floats  # (M, D)
    pictures: NDArray[np.uint8]  # (M, H, W, C)
    percentile: NDArray[np.float64] | None  # (M,), distance of the latents to the data; None without a gauge
    seen: NDArray[np.float64] | None  # (M,), the same for the latents of the encoded pictures; for samples
    nearest: NDArray[np.int64]  # (M,), rows of the atlas
    columns: int
    plane: bool  # a grid over a two-dimensional latent
    names: list[str]  # of rows; none for samples
    heads: list[str]  # of columns


def decode_shown(loaded: Loaded, shown: Shown) -> Gallery:
    """Decodes the latents to show and measures their distance to the data."""
    names: list[str] = []
    heads: list[str] = []
    if shown.show == "traversals":
        rows = sampling.traversals(loaded, shown.item, shown.rows, shown.reach)
        latents, columns, names, heads = rows.latents, rows.latents.shape[1], rows.names, rows.heads
    elif shown.show == "manifold":
        latents, columns = sampling.plane(loaded, shown.side), shown.side
    else:
        latents, columns = samples(loaded, shown), 12
    latents = latents.reshape(-1, loaded.latent)
    pictures, percentile, nearest = _decoded(loaded, loaded.name, loaded.version, latents)
    seen = _seen(loaded, loaded.name, loaded.version, pictures) if shown.show == "samples" else None
    mark = f"{loaded.name} {loaded.version} {shown}"
    plane = shown.show == "manifold"
    return Gallery(mark, latents, pictures, percentile, seen, nearest, columns, plane, names, heads)


def samples(loaded: Loaded, shown: Shown) -> Floats:
    """The latents (count, D) of a source and a seed."""
    if shown.source == "prior":
        truncation = shown.truncation or None
        return draws.prior(
            shown.count, loaded.latent, shown.seed, temperature=shown.temperature, truncation=truncation
        )
    if shown.source == "near":
        return draws.near(loaded.latents([shown.item or 0])[0], shown.radius, shown.count, shown.seed)
    value = "" if shown.source == "mixture" else list(values(loaded)[shown.attribute])[shown.value]
    attribute = shown.attribute if shown.source == "value" else ""
    mixture = _mixture(loaded, loaded.name, loaded.version, attribute, value, shown.components)
    return mixture.sample(shown.count, shown.seed, shown.temperature)


def prior_fits(loaded: Loaded) -> bool:
    """Whether at least half of `TRIED` prior draws decode to usual pictures; true without a gauge or an encoder."""
    if not loaded.decoder.model.spec.has_distance_gauge:
        return True
    latents = draws.prior(TRIED, loaded.latent, 0)
    pictures, _, _ = _decoded(loaded, loaded.name, loaded.version, latents)
    seen = _seen(loaded, loaded.name, loaded.version, pictures)
    return seen is None or bool(np.median(seen) < UNUSUAL)


def strays(gallery: Gallery) -> bool:
    """Whether most of the latents are unusually far from the data."""
    return gallery.percentile is not None and bool(np.median(gallery.percentile) > UNUSUAL)


def values(loaded: Loaded) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Attribute -> value -> mask of its images; attributes without a usable value are left out."""
    known = {name: sampling.values(attribute) for name, attribute in loaded.atlas.attributes.items()}
    return {name: masks for name, masks in known.items() if masks}


@st.cache_data(max_entries=32, show_spinner="Fitting Gaussians to the latents …")
def _mixture(
    _loaded: Loaded, name: str, version: str, attribute: str, value: str, components: int
) -> Mixture:
    latents = _loaded.atlas.mean
    return fit(latents[values(_loaded)[attribute][value]] if attribute else latents, components)


@st.cache_data(max_entries=32, show_spinner="Decoding …")
def _decoded(
    _loaded: Loaded, name: str, version: str, latents: Floats
) -> tuple[NDArray[np.uint8], NDArray[np.float64] | None, NDArray[np.int64]]:
    """Pictures, percentile of the distance to the data, and nearest image of latents (M, D)."""
    gauge = _loaded.neighbours.query(latents)
    return engine().decode_sync(_loaded, latents, background=True), gauge.percentile, gauge.nearest


@st.cache_data(max_entries=32, show_spinner="Encoding the samples …")
def _seen(
    _loaded: Loaded, name: str, version: str, pictures: NDArray[np.uint8]
) -> NDArray[np.float64] | None:
    """Percentile of the distance to the data of encoded pictures (M, H, W, C), shape (M,)."""
    spec = _loaded.decoder.model.spec
    if not spec.has_distance_gauge or not spec.encodes:
        return None
    latents = np.concatenate(
        [_loaded.encoder(part).mean for part in np.array_split(pictures, -(-len(pictures) // 16))]
    )
    return _loaded.neighbours.query(latents).percentile


def gallery_data(loaded: Loaded, gallery: Gallery, selected: int | None) -> dict[str, Any]:
    """The gallery's data."""
    return {
        "shape": list(loaded.shape),
        "made": gallery.mark,
        "sheet": sheet(gallery.pictures, gallery.columns),
        "count": len(gallery.latents),
        "columns": gallery.columns,
        "captions": [] if gallery.seen is None else [_ordinal(value) for value in gallery.seen],
        "percentile": [] if gallery.seen is None else [round(float(value), 1) for value in gallery.seen],
        "rows": gallery.names,
        "heads": gallery.heads,
        "selected": selected,
    }


def clicked(received: object, gallery: Gallery) -> int | None:
    """Index of the clicked picture as sent by the browser; None if invalid or of another set."""
    if not isinstance(received, Mapping) or received.get("made") != gallery.mark:
        return None
    index = received.get("index")
    return index if type(index) is int and 0 <= index < len(gallery.latents) else None


def show_selected(
    loaded: Loaded, gallery: Gallery, index: int, title: str, tell: Callable[[str], None]
) -> None:
    """The selected picture enlarged, with its gauge, its nearest image, and buttons to put a handle on it."""
    picture, z = gallery.pictures[index], gallery.latents[index]
    near = int(gallery.nearest[index])
    (other,) = engine().decode_sync(loaded, loaded.latents([near]), background=True)
    scale = max(1, SHOWN_AT // max(loaded.shape[1:]))
    with (
        st.container(border=True),
        st.container(horizontal=True, vertical_alignment="top", gap="small"),
    ):
        for image, caption in ((picture, title), (other, f"nearest: {loaded.name_of(near)}")):
            show_picture(exports.picture_png(image, scale), caption, caption=caption, width=SHOWN_AT)
        with st.container(gap="xsmall", width=300):
            st.markdown(f"**{plain(title)}**")
            if gallery.percentile is not None:
                seen = (
                    ""
                    if gallery.seen is None
                    else f"; its picture, encoded again, at the {_ordinal(gallery.seen[index])}"
                )
                st.caption(
                    f"Distance to the data: the latent is at the {_ordinal(gallery.percentile[index])} "
                    f"percentile{seen}."
                )
            prior = loaded.decoder.model.spec.prior
            usual = f" (a draw from the prior has about {np.sqrt(len(z)):.2f})" if prior else ""
            st.caption(
                f"Norm of its latent: {np.linalg.norm(z):.2f}{usual}. To put a handle on it, the sample is "
                "stored among your own pictures, with exactly this latent."
            )
            a, b = st.columns(2, gap="xsmall")
            for side, place in (("a", a), ("b", b)):
                if place.button(
                    f"Put {side.upper()} on it",
                    key=f"sm_handle_{side}",
                    width="stretch",
                    icon=":material/explore:",
                    help=f"Shows it on Explore at handle {side.upper()}",
                ):
                    _to_explore(loaded, picture, z, title, side, tell)
            offer(
                st,
                "Picture, PNG",
                f"{loaded.name}-sample-{index}.png",
                lambda: exports.picture_png(picture, 8),
            )


def _to_explore(
    loaded: Loaded, picture: NDArray[np.uint8], z: Floats, title: str, side: str, tell: Callable[[str], None]
) -> None:
    """Stores the sample as one of the user's own pictures, and shows it on the stage at a handle."""
    same = next((own.item for own in loaded.own.values() if np.array_equal(own.z, z)), None)
    try:
        item = loaded.keep_own(title, picture, z).item if same is None else same
    except ValueError as error:
        tell(f"The sample was not stored: {error}")
        st.rerun()
    navigation.go("Explore", loaded.name, **{side: str(item)})


def downloads(loaded: Loaded, gallery: Gallery, shown: Shown) -> None:
    """A popover with all pictures in one image, and their latents."""
    name = f"{loaded.name}-{shown.show}"
    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=330):
        scale = SCALE[
            st.segmented_control("Size of a pixel", list(SCALE), default="4×", key="sm_scale") or "4×"
        ]
        offer(
            st,
            "Grid, PNG",
            f"{name}-grid.png",
            lambda: exports.grid_png(gallery.pictures, gallery.columns, scale),
        )
        a, b = st.columns(2, gap="xsmall")
        labels = [_label(gallery, index) for index in range(len(gallery.latents))]
        offer(
            a,
            "Vectors, Parquet",
            f"{name}-vectors.parquet",
            lambda: exports.vectors_parquet(labels, gallery.latents),
        )
        offer(b, "Vectors, npz", f"{name}-vectors.npz", lambda: exports.vectors_npz(_vectors(gallery)))


def _vectors(gallery: Gallery) -> dict[str, Floats]:
    """The latents, and their percentiles if the model has a gauge."""
    gauge = {} if gallery.percentile is None else {"percentile": gallery.percentile.astype(np.float32)}
    return {"z": gallery.latents} | gauge


def _label(gallery: Gallery, index: int) -> str:
    row, column = divmod(index, gallery.columns)
    if not gallery.names:
        return f"row {row} column {column}" if gallery.plane else f"sample {index}"
    return f"dimension {gallery.names[row].split()[0]} at {gallery.heads[column]}"


def _ordinal(value: float) -> str:
    """An ordinal as on the stage's gauge: "1st", "62nd", "99th"."""
    number = round(value)
    tail = "th" if 11 <= number % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"
