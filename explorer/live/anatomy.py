"""The anatomy connection: one image in one model, with the noise eps set by hand.

A client opens a model and a view of two dimensions, `dims-I-J`, as on the stage, and asks for frames:

    {"type": "frame", "seq": 7, "item": 12, "draw": null, "turn": {"3": 0.5}, "want": ["input", "picture"]}

`draw` is the seed of eps, null for the mean; `turn` sets single dimensions. The answer has the pictures, the
position of the latent in the view, its terms of the bound in nats (with `input`, also those of the mean), and
its distance from the data.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from msgspec import Meta
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from explorer import fields
from explorer.fields import Item, Schema, Seed, Seq, distinct
from explorer.latent.neighbours.exact import GAUGE_NEIGHBOUR
from explorer.live import deferred, messages
from explorer.live.messages import Answer, GaugeReading, Items, Open, Pictures, PictureSource, Ping
from explorer.live.stage import Role, StageConnection, gauge_of
from explorer.live.validation import WireError, parser

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from explorer.scene.engine import Engine
    from explorer.scene.inspection import EncodedImage, Terms
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = ["AnatomyConnection", "AnatomyHeader", "Turn", "parse"]

Want = Literal["input", "picture"]

Coordinates = tuple[float | None, float | None]

WANTS: tuple[Want, ...] = get_args(Want)  # in the order of the answer


class Turn(Schema, frozen=True, tag="frame"):
    """Shows an item's latent at this eps."""

    seq: Seq
    item: Annotated[Item, Meta(title="Row of the atlas.")]
    draw: Annotated[Seed | None, Meta(title="Seed of eps; null for zero, the mean.")]
    turn: Annotated[fields.Turn, Meta(title="Dimension -> eps, where it was set by hand.")]
    want: Annotated[tuple[Want, ...], Meta(min_length=1, max_length=len(WANTS))]

    def __post_init__(self) -> None:
        force_setattr(self, "want", distinct(self.want, "want", WANTS))


class Along(Answer, frozen=True):
    """Mean, scale and eps of a latent along the two dimensions of the map."""

    mean: Coordinates
    scale: Coordinates
    turn: Coordinates


class BoundTerms(Answer, frozen=True):
    """The terms of the bound, in nats; None where one is not finite."""

    reconstruction: float | None
    log_q: float | None
    log_p: float | None
    log_weight: float | None


class AnatomyHeader(Pictures, frozen=True, tag="frame"):
    """The pictures of an image, its latent, the terms of its bound, and its distance from the data."""

    pictures: tuple[Want, ...]
    item: Item
    source: PictureSource  # of the encoded picture
    gauge: GaugeReading
    at: Along
    terms: BoundTerms | None
    at_mean: BoundTerms | None  # with the picture `input`
    ms: dict[str, float]


Message = Open | Turn | Items | Ping

parse: Callable[[str | bytes], Message] = parser(Message)


class AnatomyConnection(StageConnection):
    """Serves one connection: opening and items work as on the stage, frames differ."""

    roles: ClassVar[dict[type, Role]] = {Open: "open", Turn: "frame", Items: "items", Ping: "ping"}

    def __init__(self, socket: WebSocket, get_engine: Callable[[], Engine]) -> None:
        super().__init__(socket, get_engine)
        self._encoded: tuple[Loaded, EncodedImage] | None = None  # the latest, and its model

    def _parse(self, data: str | bytes) -> Any:
        return parse(data)

    async def _answer_frame(self, frame: Turn, came: float) -> None:  # type: ignore[override]

        engine, loaded, view = await self._current()
        across, up = _dimensions(view)
        encoded = await self._encode(engine, loaded, frame.item)
        try:
            eps = deferred.inspection.noise(
                encoded, frame.draw, {int(dimension): eps for dimension, eps in frame.turn.items()}
            )
        except ValueError as error:
            raise WireError("bad-message", str(error)) from error
        z = deferred.inspection.latent_at(encoded, eps)
        try:
            decoded, costs = await asyncio.gather(
                engine.decode(loaded, z[None], neighbours=GAUGE_NEIGHBOUR),
                engine.run(partial(deferred.inspection.terms, loaded, encoded, z)),
            )
            at_mean = None
            if "input" in frame.want:
                at_mean = await engine.run(partial(deferred.inspection.terms, loaded, encoded, encoded.mean))
        except (RuntimeError, ValueError) as error:
            raise WireError("internal", str(error)[:300]) from error
        header = AnatomyHeader(
            seq=frame.seq,
            shape=loaded.shape,
            pictures=frame.want,
            item=frame.item,
            source=encoded.source,
            gauge=gauge_of(loaded.neighbours.gauge(decoded.index, decoded.distance), 0),
            at=along(encoded, eps, across, up),
            terms=_terms(costs),
            at_mean=_terms(at_mean),
            ms={
                "queue": round(decoded.queue_ms, 3),
                "decode": round(decoded.decode_ms, 3),
                "total": round(1e3 * (time.perf_counter() - came), 3),
            },
        )
        pictures = {"input": encoded.picture, "picture": decoded.pictures[0]}
        await self._send(messages.answer(header, [pictures[name] for name in frame.want]))

    async def _encode(self, engine: Engine, loaded: Loaded, item: int) -> EncodedImage:
        """The encoded item; encoded again for another item, or when its original has been loaded."""
        if self._encoded is not None:
            made_with, encoded = self._encoded
            has_original = loaded.originals.state == "ready"
            current = encoded.source == "original" or not has_original
            if made_with is loaded and encoded.item == item and current:
                return encoded
        try:
            encoded = await engine.run(partial(deferred.inspection.encode_item, loaded, item))
        except ValueError as error:
            raise WireError("bad-message", str(error)) from error
        self._encoded = (loaded, encoded)
        return encoded


def _dimensions(view: View) -> tuple[int, int]:
    kind, *ends = view.id.split("-")
    if kind != "dims":
        raise WireError(
            "unknown-view", f"The view must be dims-I-J, of two dimensions. Got {view.id[:80]!r}."
        )
    across, up = (int(end) for end in ends)
    return across, up


def along(encoded: EncodedImage, eps: NDArray[np.float32], across: int, up: int) -> Along:
    """Mean, scale and eps of a latent along the two dimensions of the map.

    In a one-dimensional latent space the map is a strip whose y has no meaning: the latent stays at height 0.
    """
    scale = encoded.scale[across]

    def pair(values: NDArray[np.float32], beyond: float) -> tuple[float | None, float | None]:
        return _rounded(values[across]), _rounded(values[up] if up < len(values) else beyond)

    return Along(mean=pair(encoded.mean, 0.0), scale=pair(encoded.scale, float(scale)), turn=pair(eps, 0.0))


def _terms(costs: Terms | None) -> BoundTerms | None:
    if costs is None:
        return None
    return BoundTerms(
        reconstruction=_rounded(costs.reconstruction),
        log_q=_rounded(costs.log_q),
        log_p=_rounded(costs.log_p),
        log_weight=_rounded(costs.log_weight),
    )


def _rounded(value: float | np.floating[Any]) -> float | None:
    """A finite number, shortened; None for what JSON cannot represent."""
    number = float(value)
    return float(f"{number:.8g}") if math.isfinite(number) else None
