"""The comparison connection: a latent dragged in one model, and how several models encode its picture.

    {"type": "open", "protocol": 1, "models": [{"model": "mnist-vae", "view": "umap"}, ...]}
    {"type": "frame", "seq": 7, "item": 12, "drives": [{"by": 0, "x": 1.5, "y": -2.0}]}

A frame's answer has one picture per model, the position of each model's latent on its own map, its distance
from the data, and the squared error against the encoded picture. Without drives the encoded picture is the
item's original, which comes first if it is on this machine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

import numpy as np
from msgspec import UNSET, Meta, UnsetType
from numpy.typing import NDArray

from explorer.fields import (
    DRIVES_AT_MOST,
    MODELS,
    PROTOCOL,
    Item,
    ModelName,
    Percentile,
    Position,
    Protocol,
    Schema,
    Seq,
    ViewId,
)
from explorer.live import deferred, messages
from explorer.live.messages import ItemSource, Opening, Pictures, Ping, Shape
from explorer.live.stage import LiveConnection, Role, item_labels
from explorer.live.validation import WireError, parser

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from explorer.scene.comparison import Answer, Comparison, CurrentLatents, Drive
    from explorer.scene.engine import Engine
    from explorer.scene.loaded import Loaded
    from explorer.scene.view import View

__all__ = [
    "Column",
    "ColumnReading",
    "CompareConnection",
    "ComparedHeader",
    "Move",
    "Moved",
    "OpenedColumn",
    "OpenedTogether",
    "SharedItems",
    "SharedItemsHeader",
    "Together",
    "parse",
]

ITEMS_AT_MOST = 16  # per message; each has a picture per model


class Column(Schema, frozen=True):
    """A model and its map."""

    model: ModelName
    view: ViewId


class Move(Schema, frozen=True):
    """A handle dragged to a position on one model's map."""

    by: Annotated[int, Meta(ge=0, le=MODELS[1] - 1)]
    x: Position
    y: Position


class Together(Opening, frozen=True, tag="open"):
    """Opens these models and maps."""

    models: Annotated[tuple[Column, ...], Meta(min_length=MODELS[0], max_length=MODELS[1])]


class Moved(Schema, frozen=True, tag="frame"):
    """Shows an item, or the result of drives from it."""

    seq: Seq
    item: Item
    drives: Annotated[tuple[Move, ...], Meta(max_length=DRIVES_AT_MOST)]


class SharedItems(Schema, frozen=True, tag="items"):
    """Asks for each model's pictures of these shared items."""

    seq: Seq
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEMS_AT_MOST)]
    source: ItemSource


class OpenedColumn(messages.Answer, frozen=True):
    """A model and map that are now open."""

    model: ModelName
    version: str
    view: ViewId
    latent: int


class OpenedTogether(messages.Answer, frozen=True, tag="opened"):
    """The models and maps that are now open."""

    protocol: Protocol
    models: list[OpenedColumn]
    count: int
    shape: Shape
    seq: Seq | UnsetType = UNSET


class ColumnReading(messages.Answer, frozen=True):
    """What one model shows in a frame."""

    x: float
    y: float
    percentile: Percentile
    nearest: Annotated[
        Item | None, Meta(description="the nearest shared item, or null if the nearest item is not shared")
    ]
    error: Annotated[
        float | None,
        Meta(description="the squared error per pixel against the encoded picture, or null if there is none"),
    ]


class ComparedHeader(Pictures, frozen=True, tag="frame"):
    """A picture per model, after the item's original if that is available."""

    by: Annotated[
        int | None,
        Meta(description="the model that decoded the encoded picture, or null for the item's original"),
    ]
    original: bool
    models: list[ColumnReading]
    ms: dict[str, float]


class SharedItemsHeader(Pictures, frozen=True, tag="items"):
    """The pictures of items: for each its original if that is available, then one per model."""

    models: int
    items: list[Item]
    originals: Annotated[
        list[bool], Meta(description="whether each item's original comes before its pictures")
    ]
    names: Annotated[list[str], Meta(description="the name of each item, such as test 3518")]
    labels: list[dict[str, str]]


Message = Together | Moved | SharedItems | Ping

parse: Callable[[str | bytes], Message] = parser(Message)


class _Opened(NamedTuple):
    models: tuple[tuple[str, str, str], ...]  # model, version, view
    rows: NDArray[np.int64]


class _Shown(NamedTuple):
    """The contents of a frame."""

    source: NDArray[np.uint8] | None  # the encoded picture; None if it is not on this machine
    by: int | None  # the model that decoded it; None for an original
    answers: list[Answer]


class CompareConnection(LiveConnection):
    """Serves one connection."""

    roles: ClassVar[dict[type, Role]] = {Together: "open", Moved: "frame", SharedItems: "items", Ping: "ping"}

    def __init__(self, socket: WebSocket, get_engine: Callable[[], Engine]) -> None:
        super().__init__(socket, get_engine)
        self._opened: _Opened | None = None
        self._current_latents: tuple[object, CurrentLatents] | None = (
            None  # state before the last drive, and its key
        )

    def _parse(self, data: str | bytes) -> Message:
        return parse(data)

    async def _answer_open(self, message: Together) -> None:
        self._opened = self._current_latents = None
        engine = self._engine = await asyncio.to_thread(self._get_engine)

        try:
            models = await asyncio.gather(*(engine.open(column.model) for column in message.models))
            views = [
                await asyncio.to_thread(deferred.views.resolve, model, column.view)
                for model, column in zip(models, message.models, strict=True)
            ]
        except deferred.loaded.UnknownModel as error:
            raise WireError("unknown-model", str(error)) from error
        except deferred.view.UnknownView as error:
            raise WireError("unknown-view", str(error)) from error
        except ValueError as error:
            raise WireError("broken-model", str(error)) from error
        try:
            comparison = deferred.comparison.compare_models(models, views)
        except ValueError as error:
            raise WireError("bad-message", str(error)) from error
        if self._open is not None:
            return  # superseded by a newer message
        names = tuple((m.name, m.version, v.id) for m, v in zip(models, views, strict=True))
        self._opened = _Opened(names, comparison.rows)
        opened = [
            OpenedColumn(model.name, model.version, view.id, model.latent)
            for model, view in zip(models, views, strict=True)
        ]
        await self._send(
            messages.text(
                OpenedTogether(
                    protocol=PROTOCOL,
                    models=opened,
                    count=comparison.count,
                    shape=models[0].shape,
                    seq=UNSET if message.seq is None else message.seq,
                )
            )
        )
        self._follow_originals(models[0].originals)

    async def _current(self) -> tuple[Engine, Comparison]:
        """The open models and maps, reloaded if the engine has evicted them."""
        opened, engine = self._opened, self._engine
        if opened is None or engine is None:
            raise WireError("not-open", 'No models are open. Send a message of type "open" first.')

        models: list[Loaded] = []
        views: list[View] = []
        for name, version, view_id in opened.models:
            try:
                loaded = engine.peek(name) or await engine.open(name)
                if loaded.version != version:
                    raise WireError("not-open", f"The checkpoint {name} has changed on disk. Open it again.")
                view = loaded.views.get(view_id)
                if view is None:
                    view = await asyncio.to_thread(deferred.views.resolve, loaded, view_id)
            except WireError:
                raise
            except ValueError as error:
                raise WireError("broken-model", str(error)) from error
            models.append(loaded)
            views.append(view)
        return engine, deferred.comparison.Comparison(tuple(models), tuple(views), opened.rows)

    async def _answer_frame(self, frame: Moved, came: float) -> None:
        engine, comparison = await self._current()
        began = time.perf_counter()
        try:
            shown = await self._show(engine, comparison, frame)
        except ValueError as error:
            raise WireError("bad-message", str(error)) from error
        except RuntimeError as error:
            raise WireError("internal", str(error)[:300]) from error
        now = time.perf_counter()
        original = shown.by is None and shown.source is not None
        header = ComparedHeader(
            seq=frame.seq,
            shape=comparison.models[0].shape,
            by=shown.by,
            original=original,
            models=[
                _reading(comparison, frame.item, number, answer, shown)
                for number, answer in enumerate(shown.answers)
            ],
            ms={"models": round(1e3 * (now - began), 3), "total": round(1e3 * (now - came), 3)},
        )
        pictures = [shown.source] if original and shown.source is not None else []
        await self._send(messages.answer(header, [*pictures, *(answer.picture for answer in shown.answers)]))

    async def _show(self, engine: Engine, comparison: Comparison, frame: Moved) -> _Shown:

        if not frame.drives:
            return await _on_item(engine, comparison, frame.item)
        drives = [deferred.comparison.Drive(drive.by, drive.x, drive.y) for drive in frame.drives]
        key = (comparison.models, frame.item, frame.drives[:-1])
        if self._current_latents is not None and self._current_latents[0] == key:
            current = self._current_latents[1]
        else:
            current = deferred.comparison.at_item(comparison, frame.item)
            for drive in drives[:-1]:
                current = _latents_of(await _driven(engine, comparison, current, drive))
            self._current_latents = (key, current)
        answers = await _driven(engine, comparison, current, drives[-1])
        by = drives[-1].by
        return _Shown(answers[by].picture, by, answers)

    async def _show_items(self, message: SharedItems) -> None:
        engine, comparison = await self._current()
        for item in message.items:
            if item >= comparison.count:
                raise WireError("bad-message", f"`items` must lie in 0..{comparison.count - 1}. Got {item}.")
        items = list(message.items)
        first, rows = comparison.models[0], comparison.rows[:, items]
        originals = first.originals.get([int(row) for row in rows[0]])
        try:
            decoded = await asyncio.gather(
                *(
                    engine.decode(model, model.atlas.mean[own], background=True)
                    for model, own in zip(comparison.models, rows, strict=True)
                )
            )
        except RuntimeError as error:
            raise WireError("internal", str(error)[:300]) from error
        header = SharedItemsHeader(
            seq=message.seq,
            shape=first.shape,
            models=len(comparison.models),
            items=items,
            originals=[original is not None for original in originals],
            names=[first.name_of(int(row)) for row in rows[0]],
            labels=[item_labels(first, int(row)) for row in rows[0]],
        )
        pictures: list[NDArray[np.uint8]] = []
        for place, original in enumerate(originals):
            pictures += [] if original is None else [np.ascontiguousarray(original)]
            pictures += [each.pictures[place] for each in decoded]
        await self._send(messages.answer(header, pictures))


async def _on_item(engine: Engine, comparison: Comparison, item: int) -> _Shown:
    """The original of an item, and each model's reconstruction."""
    current = deferred.comparison.at_item(comparison, item)
    decoded = await asyncio.gather(
        *(
            engine.decode(model, z[None], neighbours=deferred.comparison.neighbours(view))
            for model, view, z in zip(comparison.models, comparison.views, current.z, strict=True)
        )
    )
    answers = [
        deferred.comparison.settle(model, view, z, own.pictures[0], own.index, own.distance, xy)
        for model, view, z, own, xy in zip(
            comparison.models, comparison.views, current.z, decoded, current.xy, strict=True
        )
    ]
    return _Shown(comparison.models[0].originals.get([int(comparison.rows[0, item])])[0], None, answers)


async def _driven(
    engine: Engine, comparison: Comparison, current: CurrentLatents, drive: Drive
) -> list[Answer]:
    """The driven model decodes; the others encode its picture, each on a worker of the engine."""
    z = deferred.comparison.moved(comparison, current, drive)
    loaded, view = comparison.models[drive.by], comparison.views[drive.by]
    own = await engine.decode(loaded, z[None], neighbours=deferred.comparison.neighbours(view))
    picture = own.pictures[0]
    others = [number for number in range(len(comparison.models)) if number != drive.by]
    followed = await asyncio.gather(
        *(
            engine.run(
                partial(
                    deferred.comparison.follow, comparison.models[number], comparison.views[number], picture
                )
            )
            for number in others
        )
    )
    answers = dict(zip(others, followed, strict=True))
    xy = np.array((drive.x, drive.y), np.float32)
    answers[drive.by] = deferred.comparison.settle(loaded, view, z, picture, own.index, own.distance, xy)
    return [answers[number] for number in range(len(comparison.models))]


def _latents_of(answers: Sequence[Answer]) -> CurrentLatents:

    return deferred.comparison.CurrentLatents(
        tuple(answer.z for answer in answers), np.stack([answer.xy for answer in answers])
    )


def _reading(comparison: Comparison, item: int, model: int, answer: Answer, shown: _Shown) -> ColumnReading:
    """The part of a frame's header about one model."""
    return ColumnReading(
        x=float(answer.xy[0]),
        y=float(answer.xy[1]),
        percentile=answer.percentile,
        nearest=comparison.shared(model, answer.nearest),
        error=_error(comparison, item, model, answer, shown),
    )


def _error(comparison: Comparison, item: int, model: int, answer: Answer, shown: _Shown) -> float | None:
    """Squared error per pixel, [0, 1], against the encoded picture; None if there is none."""
    if shown.by == model:
        return None
    if shown.source is None:
        known = comparison.models[model].atlas.scores.get("error")
        return None if known is None else float(known[comparison.rows[model, item]])
    difference = (answer.picture.astype(np.float32) - shown.source) / 255
    return float(f"{float((difference**2).mean()):.6g}")
