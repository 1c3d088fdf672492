"""What can be taken away from the stage: pictures, strip, animations and vectors, made when asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer import export, recipe
from explorer.latent.projections import Residual
from explorer.live.codes import place_handles, walk_codes
from explorer.live.engine import engine
from explorer.live.loaded import Loaded
from explorer.live.views import View

__all__ = ["button"]

SCALE = {"1×": 1, "4×": 4, "8×": 8}
FRAMES = 9  # of a strip to take away where none is shown
SMOOTH = 31  # frames of an animation


def button(loaded: Loaded, view: View, edit: recipe.Edit) -> None:
    """A popover with everything that can be taken away of what the stage shows."""
    ends = partial(handles, loaded, view, edit)
    walk = partial(path, loaded, view, edit)
    shown = partial(engine().decode_sync, loaded)
    frames = edit.frames or FRAMES
    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=330):
        scale = SCALE[st.segmented_control("Size of a pixel", list(SCALE), default="4×", key="scale") or "4×"]
        a, b = st.columns(2, gap="xsmall")
        offer(a, "Picture A", f"{loaded.name}-a.png", lambda: export.picture_png(shown(ends()[:1])[0], scale))
        offer(b, "Picture B", f"{loaded.name}-b.png", lambda: export.picture_png(shown(ends()[1:])[0], scale))
        offer(
            st, "Strip, PNG", f"{loaded.name}-strip.png", lambda: export.strip_png(shown(walk(frames)), scale)
        )
        a, b = st.columns(2, gap="xsmall")
        offer(a, "Walk, WebP", f"{loaded.name}-walk.webp",
              lambda: export.animation(shown(walk(SMOOTH)), "WEBP", scale=scale))  # fmt: skip
        offer(b, "Walk, GIF", f"{loaded.name}-walk.gif",
              lambda: export.animation(shown(walk(SMOOTH)), "GIF", scale=scale))  # fmt: skip
        a, b = st.columns(2, gap="xsmall")
        offer(a, "Vectors, Parquet", f"{loaded.name}-vectors.parquet",
              lambda: export.vectors_parquet(*named(ends(), walk(frames))))  # fmt: skip
        offer(b, "Vectors, npz", f"{loaded.name}-vectors.npz",
              lambda: export.vectors_npz({"a": ends()[0], "b": ends()[1], "walk": walk(frames)}))  # fmt: skip


def offer(place: Any, label: str, file: str, make: Callable[[], bytes]) -> None:
    """A download button whose bytes are made on the click."""
    key = f"take-{file.rsplit('-', 1)[-1]}"
    place.download_button(label, make, file, key=key, on_click="ignore", width="stretch")


def handles(loaded: Loaded, view: View, edit: recipe.Edit) -> NDArray[np.float32]:
    """Codes of A and B, shape (2, D)."""
    residual: Residual = edit.residual  # type: ignore[assignment]
    return place_handles(loaded, view, [edit.A, edit.B], residual, edit.level)


def path(loaded: Loaded, view: View, edit: recipe.Edit, count: int) -> NDArray[np.float32]:
    """Codes of the walk from A to B, shape (count, D)."""
    a, b = handles(loaded, view, edit)
    return walk_codes(loaded, a, b, edit.path, count, edit.level)


def named(ends: NDArray[np.float32], walk: NDArray[np.float32]) -> tuple[list[str], NDArray[np.float32]]:
    """Rows for a table: A, B, then the walk."""
    names = ["A", "B", *(f"walk {number}" for number in range(len(walk)))]
    return names, np.concatenate([ends, walk])
