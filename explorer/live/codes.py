"""The code-grid connection: pictures of edited code grids, and the path from one grid to another.

A client opens a model as on the stage and asks for frames:

    {"type": "frame", "seq": 7, "codes": "…", "a": "…", "b": "…", "t": 0.5, "frames": 9, "probe": [0, 12],
     "want": ["picture", "step"]}

`codes` are those of the edited picture, `a` and `b` those of the two images, each encoded by
`explorer.latent.geometry.grids`. `want` may name `picture`, `a` and `b`, the pictures of these codes; `step`,
the point at `t` on the path from `codes` to `b`, with vectors interpolated and quantised again; `strip`, that
path in `frames` pictures; `reach`, the pixels that change with the code at `probe`, a level and a cell. The
answer has the pictures and the codes of the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from msgspec import Meta
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from explorer.fields import LEVELS_AT_MOST, Codes, Fraction, FrameCount, Schema, Seq, distinct
from explorer.latent.geometry.grids import PLACES_AT_MOST, Grids, as_text, from_text
from explorer.latent.geometry.paths import fractions, straight
from explorer.live import deferred, messages
from explorer.live.messages import Items, Open, Pictures, Ping
from explorer.live.stage import Role, StageConnection
from explorer.live.validation import WireError, parser

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded

__all__ = ["CodeGridConnection", "CodesHeader", "Painted", "parse"]

Want = Literal["picture", "a", "b", "reach", "step", "strip"]

WANTS: tuple[Want, ...] = get_args(Want)  # in the order of the answer
OTHERS = 6  # most used other codes, tried in the probed cell

LevelIndex = Annotated[int, Meta(ge=0, le=LEVELS_AT_MOST - 1)]
Place = Annotated[int, Meta(ge=0, le=PLACES_AT_MOST - 1)]


class Painted(Schema, frozen=True, tag="frame"):
    """Asks for pictures of these codes, and of the path to others."""

    seq: Seq
    codes: Codes
    a: Codes
    b: Codes
    t: Fraction  # of the path from `codes` to `b`
    frames: FrameCount
    probe: Annotated[tuple[LevelIndex, Place], Meta(description="a level and a cell, such as [0, 12]")] | None
    want: Annotated[tuple[Want, ...], Meta(min_length=1, max_length=len(WANTS))]

    def __post_init__(self) -> None:
        force_setattr(self, "want", distinct(self.want, "want", WANTS))
        if "reach" in self.want and self.probe is None:
            raise ValueError("`probe` must be a level and a cell if `reach` is requested. Got None.")


class CodesHeader(Pictures, frozen=True, tag="frame"):
    """The pictures of codes, and the codes of the steps between them."""

    pictures: Annotated[
        list[str],
        Meta(description="the names of the pictures: picture, a, b, reach, step, S0, S1, …"),
    ]
    step: Codes | None  # at `t`, if requested
    strip: list[Codes]
    ms: dict[str, float]


Message = Open | Painted | Items | Ping

parse: Callable[[str | bytes], Message] = parser(Message)


class CodeGridConnection(StageConnection):
    """Serves one connection: opening and items work as on the stage, frames differ."""

    roles: ClassVar[dict[type, Role]] = {Open: "open", Painted: "frame", Items: "items", Ping: "ping"}

    def _parse(self, data: str | bytes) -> Any:
        return parse(data)

    async def _answer_frame(self, frame: Painted, came: float) -> None:  # type: ignore[override]
        engine, loaded, _ = await self._current()
        try:
            plan = await engine.run(partial(_plan, loaded, frame))
        except ValueError as error:
            raise WireError("bad-message", str(error)) from error
        try:
            decoded = await engine.decode(loaded, plan.z)
        except RuntimeError as error:
            raise WireError("internal", str(error)[:300]) from error
        pictures = [
            _change(decoded.pictures[rows]) if name == "reach" else decoded.pictures[rows]
            for name, rows in plan.rows.items()
        ]
        header = CodesHeader(
            seq=frame.seq,
            shape=loaded.shape,
            pictures=plan.names(),
            step=plan.step,
            strip=plan.strip,
            ms={
                "queue": round(decoded.queue_ms, 3),
                "decode": round(decoded.decode_ms, 3),
                "total": round(1e3 * (time.perf_counter() - came), 3),
            },
        )
        await self._send(messages.answer(header, [np.ascontiguousarray(each) for each in pictures]))


@dataclass(frozen=True, eq=False)
class _Plan:
    """The latents of a frame, and the rows of each picture."""

    z: NDArray[np.float32]  # (M, D)
    rows: dict[Want, slice]
    step: str | None  # the codes at t
    strip: list[str]  # the codes of each picture in the strip

    def names(self) -> list[str]:
        """Names of the answer's pictures; those of the strip are S0, S1 ..."""
        strip = [f"S{number}" for number in range(len(self.strip))]
        return [name for name in self.rows if name != "strip"] + strip


def _plan(loaded: Loaded, frame: Painted) -> _Plan:
    """Parses the codes and lists the latents to decode.

    Raises:
        ValueError: If the model has no discrete codes, or the codes are not valid for it.
    """
    books = deferred.codebook.codebooks(loaded)
    shapes, count = [book.grid for book in books], books[0].count
    edited, a, b = (from_text(getattr(frame, name), shapes, count, name) for name in ("codes", "a", "b"))
    wanted: list[Grids] = []
    rows: dict[Want, slice] = {}
    step, strip = None, []
    for name in frame.want:
        if name == "step":
            (point,) = _path(loaded, edited, b, [frame.t])
            made, step = [point], as_text(point)
        elif name == "strip":
            made = _path(loaded, edited, b, fractions(frame.frames).tolist())
            strip = [as_text(each) for each in made]
        elif name == "reach":
            made = _probed(loaded, edited, *(frame.probe or (0, 0)))
        else:
            made = [{"picture": edited, "a": a, "b": b}[name]]
        rows[name] = slice(len(wanted), len(wanted) + len(made))
        wanted += made
    return _Plan(deferred.codebook.latents(loaded, wanted), rows, step, strip)


def _path(loaded: Loaded, a: Grids, b: Grids, t: list[float]) -> list[Grids]:
    """The codes along the line between the vectors of two grids; its ends are exactly the grids."""
    start, end = deferred.codebook.latents(loaded, [a, b])
    latents = deferred.codebook.requantised(loaded, straight(start, end, np.array(t)))
    ends = {0.0: a, 1.0: b}
    return [ends.get(share, grids) for share, grids in zip(t, latents, strict=True)]


def _probed(loaded: Loaded, grids: Grids, level: int, place: int) -> list[Grids]:
    """The grids, followed by copies with the most used other codes in one cell.

    Raises:
        ValueError: If there is no such cell.
    """
    books = deferred.codebook.codebooks(loaded)
    if level >= len(books) or place >= grids[level].size:
        raise ValueError(f"`probe` must be a cell of one of {len(books)} levels. Got [{level}, {place}].")
    current = grids[level].ravel()[place]
    order = np.argsort(-books[level].uses, kind="stable")
    others = [code for code in order[: OTHERS + 1] if code != current][:OTHERS]
    variants = [grids]
    for code in others:
        changed = grids[level].copy()
        changed.ravel()[place] = code
        variants.append([changed if number == level else grid for number, grid in enumerate(grids)])
    return variants


def _change(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean absolute change per pixel from the first picture to the others, (1, H, W, C), scaled to 255."""
    apart = np.abs(pictures[1:].astype(np.int16) - pictures[0]).mean((0, -1), keepdims=True)
    shares = apart / max(float(apart.max()), 1e-9)
    return np.repeat((255 * shares).round().astype(np.uint8), pictures.shape[-1], axis=-1)
