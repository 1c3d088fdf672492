"""The Paths page: paths between images, on the map and animated, with their distance to the data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue import families
from explorer.components import paths as components
from explorer.components import samples as gallery
from explorer.fields import PATHS
from explorer.latent.geometry.corners import corner_grid
from explorer.latent.statistics.registry import STATISTICS
from explorer.pages.paths import charts, panels, url
from explorer.pages.paths.url import CORNERS, FRAMES, GEODESIC, KEEP, KINDS, SIDES, STOPS, Shown
from explorer.pages.shared import (
    checkpoint_picker,
    controls,
    image_picker,
    navigation,
    sequence_note,
)
from explorer.pages.shared.layout import show_warnings, side_by_side
from explorer.pages.shared.page_state import PageState, able
from explorer.pages.shared.plotly_chart import draw_downloadable_chart
from explorer.scene.engine import engine
from explorer.scene.handles import home
from explorer.scene.loaded import Loaded
from explorer.scene.trajectories import Measured, on_map
from explorer.scene.view import UnknownView, View
from explorer.scene.views import default_view, resolve
from models.card import Card

S = st.session_state
page = PageState[Shown]("pt", lambda shown: shown.shape)
SHAPES = {"path": "Path", "grid": "Four corners"}
PENALTIES = {0: "none", 1: "weak", 10: "medium", 100: "strong"}
HELP = (
    "**Straight**: linear interpolation. **Great circle**: an arc around the origin along which the norm "
    "changes evenly. **Smooth**: one spline through all waypoints. **Geodesic**: the curve along which the "
    "decoded picture changes least, with a penalty far from the data."
)


def main() -> None:
    """Controls, the waypoints, the map beside the pictures, and the profile."""
    entries = checkpoint_picker.entries()
    loaded = page.open_checkpoint(entries, refusal)
    if loaded is None:
        show_warnings(page.problems)
        none_yet(entries)
        return
    view = settle(loaded)
    shown: Shown = page.shown
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(able(entries, refusal), loaded, switch_model)
        choose_shape(shown)
        (choose_grid if shown.shape == "grid" else choose_path)(shown)
        choose_view(loaded, view)
        downloads = st.container(width="content")
        if st.button(
            "Show on Explore",
            icon=":material/explore:",
            key="pt_explore",
            help="The first and the last image",
        ):
            to_explore(loaded, view, shown)
    panels.stops_row(loaded, shown, choose_stops, page.report)
    show_warnings(page.problems)
    left, right = side_by_side([0.42, 0.58], "pt-body")
    (show_grid if shown.shape == "grid" else show_paths)(loaded, view, shown, left, right, downloads)
    page.write_address({"model": loaded.name} | url.query(shown, loaded.token_of))
    st.caption(checkpoint_picker.facts(loaded))
    sequence_note.note(
        loaded,
        "Each latent is the state that the model infers from a whole sequence, and its picture is the last "
        "frame. A path leads from one state to another; it does not show time passing.",
    )


def refusal(card: Card) -> str:
    """Why the page cannot show a checkpoint; "" if it can."""
    if families.spec_of(card).discrete:
        return (
            f"{card.title or card.model} has discrete codes, and no curve connects those. "
            "The Codes page interpolates between grids of codes."
        )
    return ""


def none_yet(entries: list[checkpoint_picker.Entry]) -> None:
    """Instructions for when no checkpoint has a continuous latent."""
    st.title("Paths")
    if any(entry.card for entry in entries):
        st.info(
            "All checkpoints have discrete codes; the Codes page interpolates between them. A path needs a "
            "continuous latent, such as that of a VAE:\n\n"
            "```\npython -m models train vae --data digits --out runs/digits-vae\npython -m explorer.atlas "
            "digits-vae\n```",
            icon=":material/model_training:",
        )
    else:
        checkpoint_picker.nothing_yet(entries)


def settle(loaded: Loaded) -> View:
    """Reads what to show from the address, else from the defaults; returns the map."""

    def reader(query: dict[str, str], previous: Any) -> tuple[Shown, list[str]]:
        default = Shown(default_stops(loaded, previous))
        shown, problems = url.from_query(query, default, loaded.has, loaded.atlas.names.from_address)
        if shown.shape == "grid":
            shown = replace(shown, stops=four(loaded, shown.stops))
        return shown, problems

    page.load(reader)
    known = tuple(item for item in page.shown.stops if loaded.has(item))
    if len(known) < len(page.shown.stops):  # one of the user's own pictures was deleted on another page
        page.shown = replace(page.shown, stops=known if len(known) >= STOPS[0] else default_stops(loaded))
    try:
        return resolve(loaded, page.shown.view or default_view(loaded))
    except UnknownView as error:
        page.problems.append(f"{error} Showing the default map instead.")
        page.shown = replace(page.shown, view="")
        return resolve(loaded, default_view(loaded))


def default_stops(loaded: Loaded, previous: Any = None) -> tuple[int, ...]:
    """The previous waypoints, else the images on the stage, else two left and right of the map's centre.

    Arguments:
        loaded: The model.
        previous: The previous model and its waypoints; None if there was none.
    """
    if previous is not None:
        before, items = previous
        rows = [image_picker.same_image(before, item, loaded) for item in items if item < before.count]
        stops = tuple(row for row in rows if row is not None)
        if len(stops) >= STOPS[0]:
            return stops
    on_stage = from_stage(loaded)
    if on_stage is not None:
        return on_stage
    edit = controls.default_edit(resolve(loaded, default_view(loaded)))
    return edit.A.item, edit.B.item


def from_stage(loaded: Loaded) -> tuple[int, ...] | None:
    """The images of Explore's two handles, if it shows the same model; else None."""
    edit = S.get("edit")
    if S.get("model") != loaded.name or edit is None:
        return None
    items = (edit.A.item, edit.B.item)
    return items if all(map(loaded.has, items)) else None


def four(loaded: Loaded, stops: tuple[int, ...]) -> tuple[int, ...]:
    """Four images for the corners of a grid: the given ones, filled up at random."""
    rng = np.random.default_rng(len(stops))
    more = [int(item) for item in rng.choice(loaded.count, CORNERS, replace=loaded.count < CORNERS)]
    return (*stops, *more)[:CORNERS]


# Controls


def choose_shape(shown: Shown) -> None:
    """Chooses a path or a grid."""
    S.pt_shape = shown.shape
    st.segmented_control(
        "Shape",
        list(SHAPES),
        key="pt_shape",
        format_func=SHAPES.__getitem__,
        required=True,
        on_change=switch_shape,
    )


def switch_shape() -> None:
    """Switches the shape; a grid gets four corners."""
    loaded = engine().peek(page.model)
    stops = page.shown.stops
    if S.pt_shape == "grid" and loaded is not None:
        stops = four(loaded, stops)
    page.shown = replace(page.shown, shape=S.pt_shape, stops=stops)


def choose_path(shown: Shown) -> None:
    """Chooses kinds of path, frames, and the penalty of a geodesic far from the data."""
    S.pt_kinds = list(shown.kinds)
    st.pills(
        "Kinds of path",
        KINDS,
        selection_mode="multi",
        key="pt_kinds",
        format_func=charts.TITLES.__getitem__,
        on_change=lambda: page.update(of="path", kinds=tuple(kind for kind in KINDS if kind in S.pt_kinds)),
        help=HELP,
    )
    S.pt_frames = shown.frames
    st.selectbox(
        "Frames",
        FRAMES,
        key="pt_frames",
        width=90,
        on_change=lambda: page.update(of="path", frames=S.pt_frames),
    )
    if GEODESIC in shown.kinds:
        S.pt_keep = shown.keep
        st.selectbox(
            "Penalty far from data",
            KEEP,
            key="pt_keep",
            width=165,
            format_func=PENALTIES.__getitem__,
            on_change=lambda: page.update(of="path", keep=S.pt_keep),
            help="Weight of the length where the path is farther from the encoded images than 90 % of them "
            "are from each other. Without it, a geodesic cuts through regions without data, where the "
            "decoder changes little but has learnt nothing.",
        )


def choose_grid(shown: Shown) -> None:
    """Chooses the interpolation and the size of the grid."""
    S.pt_by, S.pt_side = shown.by, shown.side
    st.selectbox(
        "Edges",
        PATHS,
        key="pt_by",
        width=140,
        format_func=charts.TITLES.__getitem__,
        on_change=lambda: page.update(of="grid", by=S.pt_by),
    )
    st.selectbox(
        "Pictures a side",
        SIDES,
        key="pt_side",
        width=130,
        on_change=lambda: page.update(of="grid", side=S.pt_side),
    )


def choose_view(loaded: Loaded, view: View) -> None:
    """Chooses the map."""
    titles = controls.titles(loaded)
    titles = titles if view.id in titles else {view.id: " × ".join(view.axes) or view.id} | titles
    S.pt_view = view.id
    st.selectbox(
        "Map",
        list(titles),
        key="pt_view",
        width=185,
        format_func=titles.__getitem__,
        on_change=lambda: page.update(view=S.pt_view),
    )


def choose_stops(stops: tuple[int, ...], of: tuple[int, ...] | None = None) -> None:
    """Sets the waypoints.

    Arguments:
        stops: The images.
        of: The waypoints for which the calling widget was rendered; the call is ignored if they have changed.
    """
    if of is not None and page.shown.stops != of:
        return
    page.update(stops=stops, revise=True)


def switch_model(name: str) -> None:
    """Shows another checkpoint, with the same images if its data are the same."""
    before, shown = engine().peek(page.model), page.shown
    page.switch_checkpoint(name, previous=(before, shown.stops) if before else None)


def to_explore(loaded: Loaded, view: View, shown: Shown) -> None:
    """Shows the first and the last image on the stage, on the same map."""
    kinds = [kind for kind in shown.kinds if kind in PATHS]
    path = shown.by if shown.shape == "grid" else kinds[0] if kinds else PATHS[0]
    navigation.go(
        "Explore", loaded.name, view=view.id, a=str(shown.stops[0]), b=str(shown.stops[-1]), path=path
    )


# Content


def show_paths(loaded: Loaded, view: View, shown: Shown, left: Any, right: Any, downloads: Any) -> None:
    """The player and the profile of the paths, the paths on the map, and downloads."""
    with right:
        panels.geodesic(loaded, shown)
        paths = panels.known_paths(loaded, shown)
        if paths:
            components.player(panels.player_data(loaded, shown, paths))
            percentiles = {
                kind: path.measured.percentile
                for kind, path in paths.items()
                if path.measured.percentile is not None
            }
            if percentiles:
                chart = charts.profile(percentiles, {kind: path.at for kind, path in paths.items()})
                draw_downloadable_chart(chart, "pt-profile", f"{loaded.name}-profile")
            geodesic = paths.get(GEODESIC)
            explain(shown, None if geodesic is None else geodesic.measured, panels.straight(loaded, shown))
    with left:
        stops = map_positions(loaded, view, shown.stops)
        lines = {kind: on_map(view, path.latents, path.at, stops) for kind, path in paths.items()}
        draw_map(loaded, view, lines, stops, shown)
    with downloads:
        panels.downloads(loaded, shown, paths)


def map_positions(loaded: Loaded, view: View, items: tuple[int, ...]) -> NDArray[np.float32]:
    """Positions of images on the map, shape (K, 2)."""
    return np.stack([home(loaded, view, item) for item in items])


def draw_map(
    loaded: Loaded,
    view: View,
    lines: dict[str, NDArray[np.float32]],
    stops: NDArray[np.float32],
    shown: Shown,
) -> None:
    """The map; a click on a point adds its image as a waypoint."""
    colour = controls.default_colour(loaded)
    figure = charts.path_map(loaded, view, colour, lines, stops, panels.names(shown))
    key = f"pt-map-{page.revision}"
    draw_downloadable_chart(
        figure,
        key,
        f"{loaded.name}-paths",
        settings={"scrollZoom": True},
        on_select=lambda: take_click(loaded, S.get(key)),
        selection_mode="points",
    )
    if shown.shape == "path":
        full = len(shown.stops) >= STOPS[1]
        st.caption(
            "A click on a point adds its image as a waypoint before the end."
            if not full
            else f"A path has at most {STOPS[1]} images."
        )


def take_click(loaded: Loaded, event: object) -> None:
    """Adds the image that was clicked on the map as a waypoint."""
    stops = panels.with_click(loaded, page.shown, event)
    if stops != page.shown.stops:
        choose_stops(stops)


def explain(shown: Shown, geodesic: Measured | None, straight: Measured) -> None:
    """Explains the metrics, and compares the geodesic with the straight path."""
    gauge = (
        ""
        if straight.percentile is None
        else f" The profile is the percentile of the gauge. {STATISTICS['gauge'].definition} In the red band "
        "a picture is the decoder's guess."
    )
    st.caption(
        "Length: how much the decoded picture changes along the path, the summed Euclidean distances from "
        f"frame to frame, pixels in [0, 1].{gauge}"
    )
    if geodesic is not None:
        st.caption(panels.comparison_text(shown.keep, geodesic, straight))


def show_grid(loaded: Loaded, view: View, shown: Shown, left: Any, right: Any, downloads: Any) -> None:
    """The grid's pictures, its lines on the map, and downloads."""
    stops = shown.stops[:CORNERS]
    latents = corner_grid(loaded.latents(stops), shown.side, shown.side, shown.by)
    flat = latents.reshape(-1, loaded.latent)
    pictures = engine().decode_sync(loaded, flat, background=True)
    with downloads:
        panels.grid_downloads(loaded, pictures, latents)
    with right:
        gallery.gallery(
            {
                "shape": list(loaded.shape),
                "made": f"{loaded.name} {loaded.version} {stops} {shown.by} {shown.side}",
                "sheet": panels.sheet(pictures, shown.side),
                "count": len(flat),
                "columns": shown.side,
                "captions": [],
                "percentile": [],
                "rows": [],
                "heads": [],
                "selected": None,
            },
            key="pt-grid",
        )
        distance = loaded.neighbours.query(flat).percentile
        gauge = (
            ""
            if distance is None
            else f" Percentile of the distance to the data: {distance.mean():.0f} on average, "
            f"{distance.max():.0f} at most."
        )
        st.caption(
            "Bilinear between the four "
            f"corners{', along great circles' if shown.by != 'straight' else ''}.{gauge}"
        )
    with left:
        corners = map_positions(loaded, view, stops)
        rows = view.projection.forward(flat).reshape(shown.side, shown.side, 2)
        lines = {f"row {number}": row for number, row in enumerate(rows)}
        lines |= {f"column {number}": rows[:, number] for number in range(shown.side)}
        draw_map(loaded, view, lines, corners, shown)


main()
