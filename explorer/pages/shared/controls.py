"""The controls around the stage (map, colours), and the data that the stage receives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from explorer.atlas import umap_maps
from explorer.latent.directions.mean_difference import Direction
from explorer.pages.shared import widget_values
from explorer.scene.handles import home
from explorer.scene.likelihood import has_density
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.scene.views import FITTED, own_mark
from explorer.workspace import stage_edit

__all__ = [
    "colour_picker",
    "colours",
    "default_colour",
    "default_edit",
    "levels",
    "stage_data",
    "view_picker",
]

S = st.session_state
Choose = Callable[[str], None]
DIMENSIONS, PLANE = "dims", "plane"  # kinds of view with two more fields
SCORES = {
    "kl": "KL to the prior (nats)",
    "error": "Reconstruction error",
    "neighbour_distance": "Distance to neighbours",
}
TRUST = "map_trust"  # a score of the map: the share of an image's neighbours that it preserves
KINDS = {"binary": "Yes or no", "continuous": "Continuous"}  # slider groups


def view_picker(loaded: Loaded, view: View, choose: Choose) -> None:
    """A selectbox of maps; `choose` is called with the id of the selected view."""
    fixed = titles(loaded)
    kind = view.id if view.id in fixed else view.id.split("-")[0]
    if kind not in (*fixed, DIMENSIONS, PLANE) or FITTED.fullmatch(view.id):
        kind, fixed = view.id, fixed | {view.id: fixed.get(view.id, view.id)}
    options = list(fixed)
    options += [DIMENSIONS] if loaded.latent > 2 or kind == DIMENSIONS else []
    options += [PLANE] if len(loaded.directions) > 1 and loaded.latent > 1 else []
    names = fixed | {DIMENSIONS: "Two dimensions", PLANE: "Plane of two directions"}
    widget_values.give("view_kind", kind)
    st.selectbox(
        "Map",
        options,
        key="view_kind",
        format_func=names.__getitem__,
        width=190,
        on_change=widget_values.choice("view_kind", lambda: choose(first_view(loaded, S.view_kind))),
    )
    if kind == DIMENSIONS:
        dimensions = {str(d): str(d) for d in spread_dimensions(loaded)}
        ends = view.id.split("-")[1:]
        two_of("Dimension", dimensions, ends, 130, lambda i, j: choose(f"dims-{i}-{j}"))
    elif kind == PLANE:
        directions = {slug: direction.title for slug, direction in loaded.directions.items()}
        ends = view.id.removeprefix("plane-").split("--")
        two_of("Direction", directions, ends, 180, lambda u, v: choose(f"plane-{u}--{v}"))


def first_view(loaded: Loaded, kind: str) -> str:
    """The view to show for an option of "Map": itself, or the first one of its kind."""
    if kind == DIMENSIONS:
        i, j = spread_dimensions(loaded)[:2]
        return f"dims-{i}-{j}"
    if kind == PLANE:
        return first_plane(loaded)
    return kind


def first_plane(loaded: Loaded) -> str:
    """The plane of the first direction and the next one that is not parallel to it."""
    slugs = list(loaded.directions)
    first = loaded.directions[slugs[0]].vector
    for slug in slugs[1:]:
        other = loaded.directions[slug].vector
        if abs(first @ other) < 0.99 * np.linalg.norm(first) * np.linalg.norm(other):
            return f"plane-{slugs[0]}--{slug}"
    return f"plane-{slugs[0]}--{slugs[1]}"


def titles(loaded: Loaded) -> dict[str, str]:
    """Titles of the views without further fields, the default first."""
    named = {"umap": "UMAP"} if "umap" in loaded.atlas.maps else {}
    named |= {"raw": "Both dimensions"} if loaded.latent == 2 else {}
    if loaded.latent == 1:
        return {"strip": "The one dimension"}
    return named | umap_maps.list_maps(loaded.entry) | {"pca": "Principal components"}


def spread_dimensions(loaded: Loaded) -> list[int]:
    """Latent dimensions by decreasing variance over the images."""
    return [int(d) for d in np.argsort(-loaded.moments[1])]


def two_of(
    what: str, titles: dict[str, str], axes: list[str], width: int, choose: Callable[[str, str], None]
) -> None:
    """Two selectboxes, for the horizontal and the vertical axis; selecting the same twice swaps them."""
    for axis, name in zip("xy", axes, strict=True):
        widget_values.give(f"{what}_{axis}", name)

    def changed() -> None:
        x, y = S[f"{what}_x"], S[f"{what}_y"]
        choose(*((axes[1], axes[0]) if x == y else (x, y)))

    for axis, side in (("x", "across"), ("y", "up")):
        st.selectbox(
            f"{what} {side}",
            list(titles),
            key=f"{what}_{axis}",
            format_func=titles.__getitem__,
            width=width,
            on_change=widget_values.choice(f"{what}_{axis}", changed),
        )


def colours(loaded: Loaded) -> dict[str, str]:
    """Titles of the attributes and scores that points can be coloured by."""
    titles = {name: attribute.title for name, attribute in loaded.atlas.attributes.items()}
    scores = [*loaded.atlas.scores, "neighbour_distance"]
    return titles | {name: SCORES.get(name, name) for name in scores} | {TRUST: "Trust in the map"}


def default_colour(loaded: Loaded) -> str | None:
    """The first categorical attribute, else the first attribute; None if there is none."""
    attributes = loaded.atlas.attributes
    return next((n for n, a in attributes.items() if a.kind == "categorical"), next(iter(attributes), None))


def colour_picker(loaded: Loaded, colour: str | None, choose: Callable[[str | None], None]) -> None:
    """A selectbox of colours; `choose` is called with the selected name, None for one colour."""
    titles = {"none": "One colour"} | colours(loaded)
    widget_values.give("colour_by", colour or "none")
    st.selectbox(
        "Colour by",
        list(titles),
        key="colour_by",
        format_func=titles.__getitem__,
        width=190,
        on_change=widget_values.choice(
            "colour_by", lambda: choose(None if S.colour_by == "none" else S.colour_by)
        ),
    )


def default_edit(view: View) -> stage_edit.Edit:
    """Handles on two items left and right of the map's centre, so that a first drag has room."""
    middle = np.median(view.xy, axis=0)
    spread = np.percentile(view.xy, 75, axis=0) - np.percentile(view.xy, 25, axis=0)

    def handle(side: float) -> stage_edit.Handle:
        target = middle + np.array([side, 0.0]) * spread
        item = int(((view.xy - target) ** 2).sum(1).argmin())
        x, y = (float(v) for v in view.xy[item])
        return stage_edit.Handle(item, x, y)

    return stage_edit.Edit(handle(-0.5), handle(0.5))


def model_data(loaded: Loaded) -> dict[str, Any]:
    """The model, as the live components receive it."""
    card = loaded.entry.card
    return {
        "name": loaded.name,
        "title": card.title if card else loaded.name,
        "version": loaded.version,
        "shape": list(loaded.shape),
        "latent": loaded.latent,
        "count": loaded.count,
    }


def levels(loaded: Loaded) -> list[dict[str, str]]:
    """The levels of a latent that can be moved separately, coarsest first; empty if there is only one."""
    levels = loaded.decoder.model.spec.levels
    if len(levels) < 2:
        return []
    return [
        {"name": level.name.capitalize(), "grid": "×".join(map(str, level.shape[1:]))} for level in levels
    ]


def version_of(loaded: Loaded, view: View) -> str:
    """Query part of the URL of a view's arrays; it changes with them, so that the browser can cache them."""
    mark = own_mark(loaded, view.id)
    return f"?own={mark}" if mark else f"?v={loaded.version}"


def own_pictures(loaded: Loaded, view: View) -> list[dict[str, Any]]:
    """The user's own pictures and their positions on a map."""
    return [
        {"item": own.item, "title": own.title}
        | dict(zip("xy", map(float, home(loaded, view, own.item)), strict=True))
        for own in loaded.own.values()
    ]


def stage_data(
    loaded: Loaded, view: View, colour: str | None, edit: stage_edit.Edit, revision: int
) -> dict[str, Any]:
    """The data of the stage, without the selection: small values, and the URLs of its arrays."""
    base, version = f"/live/atlas/{loaded.name}", f"?v={loaded.version}"
    return {
        "model": model_data(loaded),
        "socket": "/live/socket",
        "view": {
            "id": view.id,
            "title": titles(loaded).get(view.id, " × ".join(view.axes)),
            "url": f"{base}/view/{view.id}{version_of(loaded, view)}",
            "linear": view.linear,
            "axes": list(view.axes),
        },
        "colour": _colour(loaded, view, colour, base, version),
        "directions": [
            {
                "slug": slug,
                "title": direction.title.removeprefix(f"{direction.group}: ").capitalize(),
                "group": KINDS.get(direction.kind, direction.group),
                "with": direction.count_with,
                "without": direction.count_without,
            }
            for slug, direction in _in_order(loaded)
        ],
        "levels": levels(loaded),
        "likelihood": f"{base}/likelihood/{view.id}" if has_density(loaded) else None,
        "along": f"{base}/along/{view.id}",
        "between": f"{base}/between/{view.id}",
        "own": own_pictures(loaded, view),
        "edit": edit.as_json(),
        "revision": revision,
    }


def _in_order(loaded: Loaded) -> list[tuple[str, Direction]]:
    """The directions with their slugs: the user's own, newest first, then binary, then continuous."""
    own = [pair for pair in loaded.directions.items() if pair[1].kind == "own"]
    others = [pair for pair in loaded.directions.items() if pair[1].kind != "own"]
    return own[::-1] + sorted(others, key=lambda pair: pair[1].kind != "binary")


def _colour(loaded: Loaded, view: View, colour: str | None, base: str, version: str) -> dict[str, Any] | None:
    if colour is None:
        return None
    attribute = loaded.atlas.attributes.get(colour)
    return {
        "name": colour,
        "title": colours(loaded)[colour],
        "kind": attribute.kind if attribute else "continuous",
        "labels": list(attribute.labels) if attribute else [],
        "url": f"{base}/trust/{view.id}{version_of(loaded, view)}"
        if colour == TRUST
        else f"{base}/attribute/{colour}{version}",
        "with_map": colour != TRUST,  # whether they may be asked for with the positions: trust takes seconds
    }
