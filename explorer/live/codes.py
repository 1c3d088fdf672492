"""The code grid's connection: pictures of codes that are painted, and the way from one grid to another.

A client opens a model as on the stage and asks for frames:

    {"type": "frame", "seq": 7, "codes": "…", "a": "…", "b": "…", "t": 0.5, "frames": 9, "probe": [0, 12],
     "want": ["picture", "step"]}

`codes` are those of the painted picture, `a` and `b` those of the two images, each as `explorer.latent.geometry.grids` writes
them. Wanted may be: `picture`, `a` and `b` of these codes; `step`, the way from `codes` to `b` at `t`, its vectors
interpolated and quantised again; `strip`, that way in `frames` pictures; `reach`, which pixels change with the code at
`probe`, a level and a place. The answer has the pictures and the codes of the steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.latent.geometry.grids import PLACES_AT_MOST, Grids, as_text, from_text, text_length
from explorer.latent.geometry.paths import fractions, straight
from explorer.live import deferred, messages
from explorer.live.messages import FRAMES, Items, Open, Ping
from explorer.live.stage import Role, Session
from explorer.live.validation import WireError, bad, number, only, read, some, whole

if TYPE_CHECKING:
    from explorer.scene.loaded import Loaded

__all__ = ["CodeGridSession", "Painted", "parse"]

Want = Literal["picture", "a", "b", "reach", "step", "strip"]

WANTS: tuple[Want, ...] = ("picture", "a", "b", "reach", "step", "strip")  # in the order of the answer
LEVELS_AT_MOST = 8
OTHERS = 6  # codes that the probed place takes, the most used ones


@dataclass(frozen=True, slots=True)
class Painted:
    """Show these codes, and what lies between them and others."""

    seq: int
    codes: str
    a: str
    b: str
    t: float  # of the way from `codes` to `b`, 0 to 1
    frames: int  # pictures of the strip
    probe: tuple[int, int] | None  # level and place
    want: tuple[Want, ...]


Message = Open | Painted | Items | Ping


def parse(data: str | bytes) -> Message:
    """Reads one message of a client.

    Raises:
        WireError: On anything but a well-formed message; "too-large" over 16 KiB, else "bad-message".
    """
    message: Message = read(data, READERS)
    return message


def _frame(body: dict[str, Any]) -> Painted:
    only(body, "frame", ("seq", "codes", "a", "b", "t", "frames", "probe", "want"))
    probe, want = _probe(body["probe"]), some(body["want"], "want", WANTS)
    if "reach" in want and probe is None:
        raise bad("`probe` must be a level and a place where `reach` is wanted", None)
    t = number(body["t"], "t", 1)
    if t < 0:
        raise bad("`t` must be a number in 0..1", body["t"])
    return Painted(
        body["seq"], _codes(body["codes"], "codes"), _codes(body["a"], "a"), _codes(body["b"], "b"), t,
        whole(body["frames"], "frames", *FRAMES), probe, want,
    )  # fmt: skip


def _codes(value: object, name: str) -> str:
    """A text that may be codes; the open model says whether it is."""
    if not isinstance(value, str) or len(value) > text_length(PLACES_AT_MOST):
        raise bad(f"`{name}` must be codes of at most {PLACES_AT_MOST} places", value)
    return value


def _probe(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    if type(value) is not list or len(value) != 2:
        raise bad("`probe` must be a level and a place, such as [0, 12]", value)
    return (
        whole(value[0], "probe", 0, LEVELS_AT_MOST - 1),
        whole(value[1], "probe", 0, PLACES_AT_MOST - 1),
    )


READERS: dict[str, Callable[[dict[str, Any]], Any]] = {**messages.READERS, "frame": _frame}


class CodeGridSession(Session):
    """Serves one connection: opening and small pictures as the stage's does, frames in its own way."""

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
        header = {
            "type": "frame",
            "seq": frame.seq,
            "shape": loaded.shape,
            "pictures": plan.names(),
            "step": plan.step,
            "strip": plan.strip,
            "ms": {
                "queue": round(decoded.queue_ms, 3),
                "decode": round(decoded.decode_ms, 3),
                "total": round(1e3 * (time.perf_counter() - came), 3),
            },
        }
        await self._send(messages.answer(header, [np.ascontiguousarray(each) for each in pictures]))


@dataclass(frozen=True, eq=False)
class _Plan:
    """The latents that a frame needs, and which of their rows is which picture."""

    z: NDArray[np.float32]  # (M, D)
    rows: dict[Want, slice]
    step: str | None  # the codes at t
    strip: list[str]  # the codes of each of the strip's pictures

    def names(self) -> list[str]:
        """Of the answer's pictures; the strip's are S0, S1 ..."""
        strip = [f"S{number}" for number in range(len(self.strip))]
        return [name for name in self.rows if name != "strip"] + strip


def _plan(loaded: Loaded, frame: Painted) -> _Plan:
    """Reads the codes and lays out what is to be decoded.

    Raises:
        ValueError: If the model has no discrete codes, or the codes are none of its.
    """
    books = deferred.codebook.codebooks(loaded)
    shapes, count = [book.grid for book in books], books[0].count
    own, a, b = (from_text(getattr(frame, name), shapes, count, name) for name in ("codes", "a", "b"))
    wanted: list[Grids] = []
    rows: dict[Want, slice] = {}
    step, strip = None, []
    for name in frame.want:
        if name == "step":
            (way,) = _way(loaded, own, b, [frame.t])
            made, step = [way], as_text(way)
        elif name == "strip":
            made = _way(loaded, own, b, fractions(frame.frames).tolist())
            strip = [as_text(each) for each in made]
        elif name == "reach":
            made = _probed(loaded, own, *(frame.probe or (0, 0)))
        else:
            made = [{"picture": own, "a": a, "b": b}[name]]
        rows[name] = slice(len(wanted), len(wanted) + len(made))
        wanted += made
    return _Plan(deferred.codebook.latents(loaded, wanted), rows, step, strip)


def _way(loaded: Loaded, a: Grids, b: Grids, t: list[float]) -> list[Grids]:
    """The codes on the straight way between the vectors of two grids; its ends are the grids themselves."""
    start, end = deferred.codebook.latents(loaded, [a, b])
    found = deferred.codebook.requantised(loaded, straight(start, end, np.array(t)))
    ends = {0.0: a, 1.0: b}
    return [ends.get(share, grids) for share, grids in zip(t, found, strict=True)]


def _probed(loaded: Loaded, grids: Grids, level: int, place: int) -> list[Grids]:
    """The grids, and the same with the most used other codes at one place.

    Raises:
        ValueError: If there is no such place.
    """
    books = deferred.codebook.codebooks(loaded)
    if level >= len(books) or place >= grids[level].size:
        raise ValueError(f"`probe` must be a place of one of {len(books)} levels. Got [{level}, {place}].")
    own = grids[level].ravel()[place]
    order = np.argsort(-books[level].uses, kind="stable")
    others = [code for code in order[: OTHERS + 1] if code != own][:OTHERS]
    found = [grids]
    for code in others:
        changed = grids[level].copy()
        changed.ravel()[place] = code
        found.append([changed if number == level else grid for number, grid in enumerate(grids)])
    return found


def _change(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much each pixel changes from the first picture to the others, (1, H, W, C); the most is 255."""
    apart = np.abs(pictures[1:].astype(np.int16) - pictures[0]).mean((0, -1), keepdims=True)
    shares = apart / max(float(apart.max()), 1e-9)
    return np.repeat((255 * shares).round().astype(np.uint8), pictures.shape[-1], axis=-1)
