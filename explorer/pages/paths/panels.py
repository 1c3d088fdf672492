"""Panels of the Paths page: waypoints, the geodesic's job, the player's data, downloads."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.jobs.geodesic import Request, find
from explorer.jobs.runner import Job
from explorer.jobs.runner import start as start_job
from explorer.pages.anatomy.charts import short
from explorer.pages.paths.charts import COLOURS, TITLES
from explorer.pages.paths.url import GEODESIC, STOPS, Shown
from explorer.pages.shared.downloads import SCALE, offer
from explorer.pages.shared.item_field import item_field
from explorer.pages.shared.layout import job_notice, late
from explorer.pages.shared.picture import show_picture
from explorer.pages.shared.text import with_code
from explorer.scene.engine import engine
from explorer.scene.geodesics import USUAL
from explorer.scene.loaded import Loaded
from explorer.scene.trajectories import DENSE, KINDS, Measured, at_stops, measure, path_through
from explorer.sharing import exports
from models.system.extras import missing

__all__ = [
    "MeasuredPath",
    "comparison_text",
    "downloads",
    "geodesic",
    "grid_downloads",
    "known_paths",
    "names",
    "player_data",
    "stops_row",
    "straight",
    "with_click",
]

S = st.session_state
Floats = NDArray[np.float32]
Choose = Callable[..., None]

CORNER_NAMES = ("Top left", "Top right", "Bottom left", "Bottom right")
CACHE_SIZE = 24  # geodesics cached in a tab
THUMBNAIL = 64  # pixels
LETTERS = "ABCDEFGH"


class MeasuredPath(NamedTuple):
    """A path and its metrics."""

    latents: Floats  # (DENSE, D)
    at: list[int]  # indices of the waypoints
    measured: Measured


# Waypoints


def names(shown: Shown) -> list[str]:
    """The letter of each waypoint, as on the map."""
    return list(LETTERS[: len(shown.stops)])


def stops_row(loaded: Loaded, shown: Shown, choose: Choose, tell: Callable[[str], None]) -> None:
    """The waypoints with pictures and names, and controls to change, add and remove them.

    Arguments:
        loaded: The model.
        shown: What is shown.
        choose: Called with the new waypoints, and with those for which the widget was rendered.
        tell: Called with a message if a name denotes no image.
    """
    pictures = engine().decode_sync(loaded, loaded.latents(shown.stops), background=True)
    grid = shown.shape == "grid"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="pt-stops"):
        for number, item in enumerate(shown.stops):
            _stop(loaded, shown, number, item, pictures[number], choose, tell)
        with st.container(width=170, gap="xsmall"):
            if not grid:
                st.button(
                    "Add a waypoint",
                    icon=":material/add:",
                    key="pt_add",
                    width="stretch",
                    disabled=len(shown.stops) >= STOPS[1],
                    on_click=lambda: choose((*shown.stops[:-1], _any(loaded), shown.stops[-1])),
                    help="A random image, before the last one. A click on a point of the map adds that "
                    "image.",
                )
            st.button(
                "All at random",
                icon=":material/casino:",
                key="pt_random",
                width="stretch",
                on_click=lambda: choose(tuple(_any(loaded) for _ in shown.stops)),
            )
            st.button(
                "Reverse",
                icon=":material/swap_horiz:",
                key="pt_reverse",
                width="stretch",
                on_click=lambda: choose(shown.stops[::-1]),
            )


def _stop(
    loaded: Loaded,
    shown: Shown,
    number: int,
    item: int,
    picture: NDArray[np.uint8],
    choose: Choose,
    tell: Callable[[str], None],
) -> None:
    """One waypoint: picture, name, and buttons to replace it at random and to remove it."""
    key, grid = f"pt_stop_{number}", shown.shape == "grid"

    def put(other: int) -> None:
        choose((*shown.stops[:number], other, *shown.stops[number + 1 :]))

    def typed(other: int | None) -> None:
        if other is not None:
            choose((*shown.stops[:number], other, *shown.stops[number + 1 :]), shown.stops)

    scale = max(1, THUMBNAIL // max(loaded.shape[1:]))
    with st.container(width=128, gap="xxsmall"):
        with st.container(horizontal=True, gap="xxsmall", vertical_alignment="bottom"):
            show_picture(
                exports.picture_png(picture, scale),
                f"Image {item}, waypoint {LETTERS[number]}",
                width=THUMBNAIL,
            )
            with st.container(width=40, gap="xxsmall"):
                if len(shown.stops) > 2 and not grid:
                    st.button(
                        "",
                        icon=":material/close:",
                        key=f"{key}_off",
                        help="Remove this waypoint",
                        on_click=lambda: choose((*shown.stops[:number], *shown.stops[number + 1 :])),
                    )
                st.button(
                    "",
                    icon=":material/casino:",
                    key=f"{key}_any",
                    help="Random image",
                    on_click=lambda: put(_any(loaded)),
                )
        label = f"{LETTERS[number]} · {CORNER_NAMES[number]}" if grid else _role(number, len(shown.stops))
        item_field(loaded, label, key, item, typed, tell, width=128)


def _role(number: int, count: int) -> str:
    role = "Start" if number == 0 else "End" if number == count - 1 else "Waypoint"
    return f"{LETTERS[number]} · {role}"


def _any(loaded: Loaded) -> int:
    return int(np.random.default_rng().integers(loaded.count))


def with_click(loaded: Loaded, shown: Shown, event: object) -> tuple[int, ...]:
    """Inserts the image clicked on the map before the last waypoint; unchanged if the event is invalid.

    Arguments:
        loaded: The model.
        shown: What is shown.
        event: Streamlit's selection event of a chart (untrusted JSON).
    """
    item = event
    for step in ("selection", "points", 0, "customdata", 0):
        inner = item if isinstance(item, Mapping if isinstance(step, str) else list) else {}
        known = step in inner if isinstance(step, str) else len(inner) > step
        item = inner[step] if known else None  # type: ignore[index]
    room = shown.shape == "path" and len(shown.stops) < STOPS[1]
    if not room or type(item) is not int or not loaded.has(item):
        return shown.stops
    return (*shown.stops[:-1], item, shown.stops[-1])


# Paths


def known_paths(loaded: Loaded, shown: Shown) -> dict[str, MeasuredPath]:
    """The chosen paths with their metrics, without a geodesic that is still being computed."""
    stops = loaded.latents(shown.stops)
    paths = {}
    for kind in shown.kinds:
        latents = path_through(kind, stops) if kind in KINDS else _geodesics().get(_mark(loaded, shown))
        if latents is not None:
            measured = _measured(loaded, loaded.name, loaded.version, latents, shown.keep)
            paths[kind] = MeasuredPath(latents, at_stops(latents, stops), measured)
    return paths


@st.cache_data(max_entries=64, show_spinner="Decoding the path …")
def _measured(_loaded: Loaded, name: str, version: str, latents: Floats, strength: float) -> Measured:
    return measure(_loaded, latents, strength)


def straight(loaded: Loaded, shown: Shown) -> Measured:
    """Metrics of the straight path, the reference for a geodesic."""
    latents = path_through("straight", loaded.latents(shown.stops))
    return _measured(loaded, loaded.name, loaded.version, latents, shown.keep)


def geodesic(loaded: Loaded, shown: Shown) -> None:
    """Computes the geodesic in a job if it is chosen: starts the job, shows progress, caches the result."""
    mark = _mark(loaded, shown)
    wanted = shown.shape == "path" and GEODESIC in shown.kinds and mark not in _geodesics()
    job: Job | None = S.get("pt_job")
    if job is not None and S.pt_job_of != mark:
        job.cancel()  # it is for other waypoints
        job = S.pt_job = None
    if not wanted:
        return
    if job is None and S.get("pt_failed", (None,))[0] != mark:
        start(loaded, shown)
        job = S.pt_job
    if job is not None:
        st.fragment(run_every=0.4)(_progress)(loaded)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"No geodesic: {with_code(str(S.pt_failed[1]))}")
        with late("pt-find"):
            if st.button("Compute it", icon=":material/route:", key="pt_find"):
                start(loaded, shown)
                st.rerun()


def start(loaded: Loaded, shown: Shown) -> None:
    """Starts the job."""
    stops = np.ascontiguousarray(loaded.latents(shown.stops), np.float32)
    S.pt_job = start_job(find, Request(str(loaded.entry.path), stops, float(shown.keep)))
    S.pt_job_of = _mark(loaded, shown)
    S.pop("pt_failed", None)


def _progress(loaded: Loaded) -> None:
    job: Job | None = S.get("pt_job")
    if job is None:
        return
    if job.running:
        if job_notice(job.share, f"Geodesic: {job.what}", "pt_cancel"):
            job.cancel()
        return
    S.pt_job = None
    if job.result is None:
        S.pt_failed = (S.pt_job_of, job.error or "the job returned no result.")
    else:
        path = job.result["latents"]
        step = (len(path) - 1) // (DENSE - 1)
        cache = _geodesics()
        cache[S.pt_job_of] = np.ascontiguousarray(path[::step])
        while len(cache) > CACHE_SIZE:
            cache.pop(next(iter(cache)))
    st.rerun()


def _geodesics() -> dict[tuple[Any, ...], Floats]:
    return cast("dict[tuple[Any, ...], Floats]", S.setdefault("pt_geodesics", {}))


def _mark(loaded: Loaded, shown: Shown) -> tuple[Any, ...]:
    return loaded.name, loaded.version, shown.stops, shown.keep


def player_data(loaded: Loaded, shown: Shown, paths: Mapping[str, MeasuredPath]) -> dict[str, Any]:
    """The player's data."""
    chosen = frames(shown)
    return {
        "shape": list(loaded.shape),
        "count": len(chosen),
        "names": names(shown),
        "ways": [
            {
                "kind": kind,
                "title": TITLES[kind],
                "colour": COLOURS[kind],
                "sheet": sheet(path.measured.pictures[chosen], 1),
                "facts": facts(path.measured, penalty=GEODESIC in shown.kinds and shown.keep > 0),
                "percentile": []
                if path.measured.percentile is None
                else [round(float(value), 1) for value in path.measured.percentile[chosen]],
                "stops": [int(np.abs(chosen - index).argmin()) for index in path.at],
            }
            for kind, path in paths.items()
        ],
    }


def facts(path: Measured, penalty: bool) -> list[str]:
    """The metrics of a path, one per line: length in the decoder's unit; percentiles if there is a gauge."""
    penalised = f" · with penalty {short(path.penalised)}" if penalty else ""
    lines = [f"length {short(path.length)}{penalised}"]
    if path.percentile is not None:
        lines.append(
            f"percentile {path.percentile.mean():.0f} on average, {path.percentile.max():.0f} at most"
        )
    return lines


def sheet(pictures: NDArray[np.uint8], columns: int) -> str:
    """Pictures (N, H, W, C) as one image in rows of `columns`, as a data URL."""
    count, height, width, channels = pictures.shape
    rows = -(-count // columns)
    full = np.zeros((rows * columns, height, width, channels), np.uint8)
    full[:count] = pictures
    whole = full.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    png = exports.picture_png(whole.reshape(rows * height, columns * width, channels))
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def frames(shown: Shown) -> NDArray[np.int64]:
    """Indices of the latents of a path that are its frames, shape (frames,)."""
    return np.linspace(0, DENSE - 1, shown.frames).round().astype(np.int64)


# Downloads


def downloads(loaded: Loaded, shown: Shown, paths: Mapping[str, MeasuredPath]) -> None:
    """A popover with each path as pictures, animations and vectors."""
    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=330):
        if not paths:
            st.caption("There is no path yet.")
            return
        kind = st.selectbox("Path", list(paths), format_func=TITLES.__getitem__, key="pt_take")
        kind = kind if kind in paths else next(iter(paths))
        scale = SCALE[
            st.segmented_control("Size of a pixel", list(SCALE), default="4×", key="pt_scale") or "4×"
        ]
        back = st.checkbox("There and back", True, key="pt_back")
        chosen, name = frames(shown), f"{loaded.name}-{kind}"
        pictures, latents = paths[kind].measured.pictures[chosen], paths[kind].latents[chosen]
        seconds = 3.0 / len(chosen)
        a, b, c = st.columns(3, gap="xsmall")
        animation = partial(exports.animation, pictures, scale=scale, seconds=seconds, back=back)
        offer(a, "WebP", f"{name}.webp", partial(animation, "WEBP"))
        offer(b, "GIF", f"{name}.gif", partial(animation, "GIF"))
        offer(
            c,
            "MP4",
            f"{name}.mp4",
            lambda: exports.video(pictures, scale=scale, seconds=seconds, back=back),
            unavailable=missing("video", "MP4 export"),
        )
        offer(st, "Strip, PNG", f"{name}-strip.png", lambda: exports.strip_png(pictures, scale))
        a, b = st.columns(2, gap="xsmall")
        labels = [f"{kind} {number}" for number in range(len(latents))]
        offer(
            a,
            "Vectors, Parquet",
            f"{name}-vectors.parquet",
            lambda: exports.vectors_parquet(labels, latents),
        )
        offer(
            b,
            "Vectors, npz",
            f"{name}-vectors.npz",
            lambda: exports.vectors_npz({name: path.latents[chosen] for name, path in paths.items()}),
        )


def grid_downloads(loaded: Loaded, pictures: NDArray[np.uint8], latents: Floats) -> None:
    """A popover with a grid (side, side, …) as a picture and as vectors."""
    side = len(latents)
    flat = pictures.reshape(-1, *pictures.shape[-3:])
    rows = latents.reshape(side * side, -1)
    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=330):
        scale = SCALE[
            st.segmented_control("Size of a pixel", list(SCALE), default="4×", key="pt_scale") or "4×"
        ]
        offer(st, "Grid, PNG", f"{loaded.name}-grid.png", lambda: exports.grid_png(flat, side, scale))
        a, b = st.columns(2, gap="xsmall")
        labels = [f"row {i} column {j}" for i in range(side) for j in range(side)]
        offer(
            a,
            "Vectors, Parquet",
            f"{loaded.name}-grid.parquet",
            lambda: exports.vectors_parquet(labels, rows),
        )
        offer(b, "Vectors, npz", f"{loaded.name}-grid.npz", lambda: exports.vectors_npz({"grid": latents}))


def comparison_text(strength: float, geodesic: Measured, straight: Measured) -> str:
    """What a geodesic minimises, its gain over the straight path, and the distance of both to the data."""
    what = "length"
    minimised = "A geodesic is the path of least length that was found"
    if strength > 0:
        what = "length with penalty"
        minimised += (
            ", with a penalty: where the distance d to the 10th nearest image exceeds r, its "
            f"{100 * USUAL:.0f}th percentile, length is weighted by √(1 + {strength:g} (d/r − 1)²). "
            "Below r there is no penalty"
        )
    papers = (
        "([Shao et al. 2018](https://arxiv.org/abs/1711.08014), "
        "[Arvanitidis et al. 2018](https://arxiv.org/abs/1710.11379))"
    )
    gain = 1 - geodesic.penalised / max(straight.penalised, 1e-12)
    relation = f"{100 * gain:.0f} % less than" if gain >= 0.005 else "about" if gain > -0.005 else "more than"
    text = (
        f"{minimised} {papers}. Here its {what} is {short(geodesic.penalised)}, {relation} the straight "
        f"path's {short(straight.penalised)}."
    )
    if geodesic.percentile is None or straight.percentile is None:
        return text
    return (
        f"{text} Mean percentile of the distance to the data: {geodesic.percentile.mean():.0f}, straight "
        f"{straight.percentile.mean():.0f}; above the {100 * USUAL:.0f}th lie "
        f"{100 * (geodesic.beyond or 0):.0f} % of its length, {100 * (straight.beyond or 0):.0f} % of the "
        "straight path's."
    )
