"""Renders a recipe or a link to files, with the same pixels as on the page.

python -m explorer render recipe.json --out picture.png
python -m explorer render "?model=faces-vae&view=umap&a=test-12,1.25,-3.5&b=test-40" --out walk.webp --scale 4
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from numpy.typing import NDArray

from explorer.scene.loaded import Loaded, find, load
from explorer.sharing import exports
from explorer.sharing.recipe import (
    BYTES_AT_MOST,
    FRAMES,
    Shown,
    follow,
    follow_link,
    from_json,
    recipe_of,
    to_json,
    to_python,
)
from models.system import settings

__all__ = ["SMOOTH", "WHATS", "What", "choose_what", "make", "open_loaded", "open_recipe"]

SMOOTH = 31  # frames of an animation
SCALES = (1, 64)  # side of an enlarged pixel, in pixels
LINK_AT_MOST = 32_000  # characters

Decode = Callable[[NDArray[np.float32]], NDArray[np.uint8]]


class What(NamedTuple):
    """A kind of export."""

    suffix: str  # suffix of the file name
    make: Callable[[Shown, Decode, int], bytes]


def make(shown: Shown, what: str, decode: Decode, scale: int = 1) -> bytes:
    """Renders one of `WHATS` to bytes.

    Arguments:
        shown: The contents of the stage.
        what: A key of `WHATS`.
        decode: From latents (M, D) to pictures, uint8 (M, H, W, C).
        scale: Side of an enlarged pixel, in pixels.

    Raises:
        ValueError: If the kind is unknown, or `scale` is out of range.
    """
    if what not in WHATS:
        raise ValueError(f"`--what` must be one of: {', '.join(WHATS)}. Got {what[:40]!r}.")
    if not SCALES[0] <= scale <= SCALES[1]:
        raise ValueError(f"`--scale` must lie in {SCALES[0]}..{SCALES[1]}. Got {scale}.")
    return WHATS[what].make(shown, decode, scale)


def _strip(shown: Shown) -> NDArray[np.float32]:
    return shown.walk(shown.edit.frames or FRAMES)


def _animation(kind: str) -> Callable[[Shown, Decode, int], bytes]:
    return lambda shown, decode, scale: exports.animation(decode(shown.walk(SMOOTH)), kind, scale=scale)


def _vectors(shown: Shown) -> tuple[list[str], NDArray[np.float32]]:
    """Rows for a table: A, B, then the walk."""
    walk = _strip(shown)
    return ["A", "B", *(f"walk {number}" for number in range(len(walk)))], np.concatenate([shown.ends, walk])


def _json(shown: Shown) -> bytes:
    if shown.view is None:
        raise ValueError("The map of this recipe is not on this machine. Keep the existing file.")
    return to_json(recipe_of(shown.loaded, shown.view, shown.edit, shown.colour)).encode()


def _page(maker: str) -> Callable[[Shown, Decode, int], bytes]:
    """Renders a page of `explorer.sharing.report`."""

    def made(shown: Shown, decode: Decode, scale: int) -> bytes:
        from explorer.sharing import report  # imports Plotly and the live socket

        return cast("bytes", getattr(report, maker)(shown, decode, shown.colour))

    return made


WHATS: dict[str, What] = {
    "a": What(".png", lambda shown, decode, scale: exports.picture_png(decode(shown.ends[:1])[0], scale)),
    "b": What(".png", lambda shown, decode, scale: exports.picture_png(decode(shown.ends[1:])[0], scale)),
    "strip": What(".png", lambda shown, decode, scale: exports.strip_png(decode(_strip(shown)), scale)),
    "walk.webp": What(".webp", _animation("WEBP")),
    "walk.gif": What(".gif", _animation("GIF")),
    "vectors.parquet": What(".parquet", lambda shown, *_: exports.vectors_parquet(*_vectors(shown))),
    "vectors.npz": What(
        ".npz",
        lambda shown, *_: exports.vectors_npz(
            {"a": shown.ends[0], "b": shown.ends[1], "walk": _strip(shown)}
        ),
    ),
    "report": What(".html", _page("report_html")),
    "map": What(".html", _page("map_html")),
    "recipe.json": What(".json", lambda shown, *_: _json(shown)),
    "recipe.py": What(".py", lambda shown, *_: to_python(shown).encode()),
}


def choose_what(what: str | None, out: Path) -> str:
    """The kind of export: as requested, or the first with the file's suffix.

    Raises:
        ValueError: If there is none, or suffix and kind do not match.
    """
    suffix = out.suffix.lower()
    if what is None:
        chosen = next((name for name, each in WHATS.items() if each.suffix == suffix), None)
        if chosen is None:
            known = ", ".join(dict.fromkeys(each.suffix for each in WHATS.values()))
            raise ValueError(f"`--out` must end in one of: {known}. Got {out.name[:80]!r}.")
        return chosen
    if what not in WHATS:
        raise ValueError(f"`--what` must be one of: {', '.join(WHATS)}. Got {what[:40]!r}.")
    if suffix != WHATS[what].suffix:
        raise ValueError(f"`--out` of {what} must end in {WHATS[what].suffix}. Got {out.name[:80]!r}.")
    return what


def open_recipe(given: str) -> Shown:
    """Evaluates a recipe or a link.

    Arguments:
        given: Path of a JSON file, a link, or its query string.

    Raises:
        ValueError: If it is invalid, or matches no checkpoint on this machine.
        OSError: If the file cannot be read.
    """
    if "://" in given or given.startswith("?") or given.startswith(("model=", "view=", "a=")):
        return _open_link(given)
    path = Path(given)
    if not path.is_file():
        raise ValueError(f"RECIPE must be a recipe's JSON file, or a link in quotes. Got {given[:80]!r}.")
    if path.stat().st_size > BYTES_AT_MOST:
        raise ValueError(f"A recipe must have at most {BYTES_AT_MOST >> 20} MiB. {path.name[:80]} is larger.")
    recipe = from_json(path.read_bytes())
    return follow(recipe, open_loaded(recipe.checkpoint))


def _open_link(given: str) -> Shown:
    if len(given) > LINK_AT_MOST:
        raise ValueError(f"A link must have at most {LINK_AT_MOST} characters. Got {len(given)}.")
    query = urlsplit(given).query if "://" in given else given.removeprefix("?")
    params = dict(parse_qsl(query, keep_blank_values=True))
    if "model" not in params:
        raise ValueError(
            "The link must name `model`, such as ?model=faces-vae. Copy the whole link, in quotes: & has a "
            "meaning in the shell."
        )
    return follow_link(params, open_loaded(params["model"]))


def open_loaded(name: str) -> Loaded:
    """Loads a checkpoint with the decoder that the page uses.

    Raises:
        ValueError: If there is no checkpoint of this name, or it is broken.
    """
    loaded = load(find(name), settings.device())
    loaded.decoder.compile()
    return loaded
