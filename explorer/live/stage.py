"""A connection of the live socket: only the newest frame is answered, and every queue is bounded.

Three tasks: one reads, one answers `open` and `frame`, one answers `items`. Only the newest waiting frame is
kept, and at most eight waiting `items` messages. An answer is computed only after the previous one has been
handed to the network, so a client that sends too much or reads too slowly costs others no time or memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, cast

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer.fields import FIRST_OWN, PROTOCOL
from explorer.latent.attribute_values import value_text
from explorer.latent.geometry.paths import fractions
from explorer.latent.geometry.projections import ScatterProjection
from explorer.latent.neighbours.exact import GAUGE_NEIGHBOUR, Gauge
from explorer.live import deferred, messages
from explorer.live.frame_plan import Plan, plan_frame
from explorer.live.messages import Frame, FrameHeader, GaugeReading, Items, Open, Ping, WireError
from explorer.scene.handles import check_item

if TYPE_CHECKING:
    from explorer.inference.engine import Decoded
    from explorer.scene.engine import Engine
    from explorer.scene.loaded import Loaded
    from explorer.scene.originals import Originals
    from explorer.scene.view import View

__all__ = ["LiveConnection", "Role", "StageConnection", "frame_header", "gauge_of", "item_labels"]

LOG = logging.getLogger(__name__)

Role = Literal["open", "frame", "items", "ping"]

ITEMS_WAITING = 8
BAD_IN_A_ROW = 20
RATE = 400.0  # sustained messages per second; a drag needs 60
BURST = 400.0  # messages allowed at once
COST: dict[Role, float] = {"open": 20.0, "items": 2.0, "frame": 1.0, "ping": 1.0}
BAD_COST = 4.0
SLOWED_AT_MOST = 2000  # consecutive throttled messages until the connection is closed
TEXT_SHOWN = 120  # characters of a file's name or a caption
TURN = 8  # messages read before other connections get a turn

ORIGINALS_BEAT = 0.3  # s between checks on originals that are loading

TOO_LARGE, ABUSE = 1009, 1008


class _Opened(NamedTuple):
    model: str
    version: str
    view: str


class LiveConnection(ABC):
    """Serves one accepted socket until it closes, for any kind of messages.

    A subclass defines how messages are parsed, which role each has, and how they are answered.
    """

    roles: ClassVar[dict[type, Role]]

    def __init__(self, socket: WebSocket, get_engine: Callable[[], Engine]) -> None:
        """Stores the arguments; `run` starts serving.

        Arguments:
            socket: Not yet accepted; its origin has been checked.
            get_engine: Returns the engine; may be slow the first time, so it is called in a thread.
        """
        self._socket = socket
        self._get_engine = get_engine
        self._engine: Engine | None = None
        self._open: Any = None  # the newest waiting
        self._frame: tuple[Any, float] | None = None  # the newest waiting, and its time of arrival
        self._items: deque[Any] = deque()
        self._frame_wake = asyncio.Event()
        self._items_wake = asyncio.Event()
        self._ready = asyncio.Event()  # set unless an `open` is waiting or in progress
        self._ready.set()
        self._bad = 0
        self._tokens = BURST
        self._paced = time.monotonic()
        self._since_turn = 0
        self._slowed = 0
        self._originals: asyncio.Task[None] | None = None  # reports the loading of originals

    @abstractmethod
    def _parse(self, data: str | bytes) -> Any:
        """Parses a message, or raises WireError."""

    @abstractmethod
    async def _answer_open(self, message: Any) -> None: ...

    @abstractmethod
    async def _answer_frame(self, frame: Any, came: float) -> None: ...

    async def _show_items(self, message: Any) -> None:
        """Answers the role "items"; never called if `roles` has none."""
        raise WireError("bad-message", "This connection does not answer `items`.", message.seq)

    async def run(self) -> None:
        """Accepts the connection and serves it until it closes."""
        await self._socket.accept()
        tasks = [
            asyncio.create_task(self._answer_frames()),
            asyncio.create_task(self._answer_items()),
        ]
        try:
            await self._read()
        except WebSocketDisconnect:
            LOG.debug("A client disconnected.")
        finally:
            tasks += [self._originals] if self._originals else []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # Reading

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("text")
            try:
                parsed = self._parse(data if data is not None else message.get("bytes") or b"")
            except WireError as error:
                if not await self._refuse(error):
                    return
                cost = BAD_COST
            else:
                self._bad = 0
                role = self.roles[type(parsed)]
                await self._take(parsed, role)
                cost = COST[role]
            if not await self._pace(cost):
                return

    async def _refuse(self, error: WireError) -> bool:
        """Answers a malformed message; False if the connection was closed for it."""
        await self._send(messages.error(error))
        self._bad += 1
        if error.code == "too-large":
            await self._close(TOO_LARGE, "The message is too large.")
            return False
        if self._bad >= BAD_IN_A_ROW:
            await self._close(ABUSE, "Too many bad messages.")
            return False
        return True

    async def _take(self, message: Any, role: Role) -> None:
        if role == "frame":
            self._frame = (message, time.perf_counter())
            self._frame_wake.set()
        elif role == "items":
            if len(self._items) >= ITEMS_WAITING:
                text = f"At most {ITEMS_WAITING} `items` messages may wait. Ask again after an answer."
                await self._send(messages.error(WireError("busy", text, message.seq)))
                return
            self._items.append(message)
            self._items_wake.set()
        elif role == "open":
            self._open = message
            self._frame = None
            self._items.clear()
            self._ready.clear()
            self._frame_wake.set()
        else:
            await self._send(messages.text(messages.Pong(message.seq)))

    async def _pace(self, cost: float) -> bool:
        """Throttles a client that sends too fast; False if it keeps on and the connection was closed.

        While nothing is read, TCP backpressure holds the client back.
        """
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + RATE * (now - self._paced)) - cost
        self._paced = now
        if self._tokens < 0:
            self._slowed += 1
            if self._slowed > SLOWED_AT_MOST:
                await self._close(ABUSE, "Too many messages.")
                return False
            await asyncio.sleep(-self._tokens / RATE)
            return True
        if self._tokens > BURST / 2:
            self._slowed = 0
        self._since_turn += 1
        if self._since_turn >= TURN:
            self._since_turn = 0
            await asyncio.sleep(0)
        return True

    # Answering

    async def _answer_frames(self) -> None:
        while True:
            await self._frame_wake.wait()
            self._frame_wake.clear()
            while self._open is not None or self._frame is not None:
                if self._open is not None:
                    message, self._open = self._open, None
                    await self._guard(self._answer_open(message), message.seq)
                    if self._open is None:
                        self._ready.set()
                elif self._frame is not None:
                    (frame, came), self._frame = self._frame, None
                    await self._guard(self._answer_frame(frame, came), frame.seq)

    async def _answer_items(self) -> None:
        while True:
            await self._items_wake.wait()
            self._items_wake.clear()
            while self._items:
                await self._ready.wait()
                if self._items:
                    message = self._items.popleft()
                    await self._guard(self._show_items(message), message.seq)

    def _follow_originals(self, originals: Originals) -> None:
        """Starts loading the originals of the open model, and reports their state now and on changes."""
        originals.start()
        if self._originals is not None:
            self._originals.cancel()
        self._originals = asyncio.create_task(self._report_originals(originals))

    async def _report_originals(self, originals: Originals) -> None:
        reported = None
        while reported != originals.state:
            reported = originals.state
            await self._send(messages.text(messages.Originals(reported)))
            while reported == "loading" == originals.state:
                await asyncio.sleep(ORIGINALS_BEAT)

    async def _guard(self, answering: Awaitable[None], seq: int | None) -> None:
        """Turns any failure of an answer into an error message."""
        try:
            await answering
        except WireError as error:
            error.seq = seq if error.seq is None else error.seq
            await self._send(messages.error(error))
        except WebSocketDisconnect:
            raise
        except Exception:
            LOG.exception("An answer failed.")
            problem = WireError(
                "internal", "The server failed on this message; see its log for the reason.", seq
            )
            await self._send(messages.error(problem))

    async def _close(self, code: int, reason: str) -> None:
        """Closes the socket, unless the client has already disconnected."""
        try:
            await self._socket.close(code, reason)
        except RuntimeError as error:  # raised by starlette after a close
            raise WebSocketDisconnect(1006) from error

    async def _send(self, message: str | bytes) -> None:
        """Sends a message; raises WebSocketDisconnect if the client has disconnected."""
        try:
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)
        except RuntimeError as error:  # raised by starlette after a close
            raise WebSocketDisconnect(1006) from error


class StageConnection(LiveConnection):
    """The stage's connection: one model, one view, two handles."""

    roles: ClassVar[dict[type, Role]] = {Open: "open", Frame: "frame", Items: "items", Ping: "ping"}

    def __init__(self, socket: WebSocket, get_engine: Callable[[], Engine]) -> None:
        super().__init__(socket, get_engine)
        self._opened: _Opened | None = None

    def _parse(self, data: str | bytes) -> messages.Message:
        return messages.parse(data)

    async def _answer_open(self, message: Open) -> None:
        self._opened = None
        engine = self._engine = await asyncio.to_thread(self._get_engine)

        try:
            loaded = await engine.open(message.model)
            view = await asyncio.to_thread(deferred.views.resolve, loaded, message.view)
        except deferred.loaded.UnknownModel as error:
            raise WireError("unknown-model", str(error)) from error
        except deferred.view.UnknownView as error:
            raise WireError("unknown-view", str(error)) from error
        except ValueError as error:
            raise WireError("broken-model", str(error)) from error
        if self._open is not None:
            return  # superseded by a newer message
        self._opened = _Opened(loaded.name, loaded.version, view.id)
        await self._send(
            messages.text(
                messages.Opened(
                    protocol=PROTOCOL,
                    model=loaded.name,
                    version=loaded.version,
                    view=view.id,
                    count=loaded.count,
                    latent=loaded.latent,
                    shape=loaded.shape,
                    seq=UNSET if message.seq is None else message.seq,
                )
            )
        )
        self._follow_originals(loaded.originals)

    async def _current(self) -> tuple[Engine, Loaded, View]:
        """The open model and view, reloaded if the engine has evicted them."""
        opened, engine = self._opened, self._engine
        if opened is None or engine is None:
            raise WireError("not-open", 'No model is open. Send a message of type "open" first.')
        loaded = engine.peek(opened.model)
        if loaded is None:
            try:
                loaded = await engine.open(opened.model)
            except ValueError as error:
                raise WireError("broken-model", str(error)) from error
        if loaded.version != opened.version:
            text = f"The checkpoint {opened.model} has changed on disk. Open it again."
            raise WireError("not-open", text)
        view = loaded.views.get(opened.view)
        if view is None:
            try:
                view = await asyncio.to_thread(deferred.views.resolve, loaded, opened.view)
            except ValueError as error:
                raise WireError("unknown-view", str(error)) from error
        return engine, loaded, view

    async def _answer_frame(self, frame: Frame, came: float) -> None:
        engine, loaded, view = await self._current()
        plan = _planned(loaded, view, frame)
        projection = view.projection
        neighbours = GAUGE_NEIGHBOUR
        if frame.strip and isinstance(projection, ScatterProjection):
            neighbours = max(neighbours, projection.forward_count)
        try:
            decoded = await engine.decode(loaded, plan.z, neighbours=neighbours)
        except RuntimeError as error:
            raise WireError("internal", str(error)[:300]) from error
        header = frame_header(loaded, view, frame, plan, decoded)
        header.ms["total"] = round(1e3 * (time.perf_counter() - came), 3)
        await self._send(messages.answer(header, [decoded.pictures[row] for row in plan.rows]))

    async def _show_items(self, message: Items) -> None:
        engine, loaded, _ = await self._current()
        for item in message.items:
            _check_item(loaded, item)
        rows = [item for item in message.items if item < FIRST_OWN]
        known = iter(loaded.originals.get(rows) if message.source == "best" and rows else [None] * len(rows))
        own = loaded.own
        pictures = [own[item].picture if item in own else next(known) for item in message.items]
        missing = [place for place, picture in enumerate(pictures) if picture is None]
        if missing:
            z = loaded.latents([message.items[place] for place in missing])
            try:
                decoded = await engine.decode(loaded, z, background=True)
            except RuntimeError as error:
                raise WireError("internal", str(error)[:300]) from error
            for place, picture in zip(missing, decoded.pictures, strict=True):
                pictures[place] = picture
        absent = set(missing)
        header = messages.ItemsHeader(
            seq=message.seq,
            shape=loaded.shape,
            items=message.items,
            sources=["reconstruction" if place in absent else "original" for place in range(len(pictures))],
            names=[loaded.name_of(item) for item in message.items],
            labels=[item_labels(loaded, item) for item in message.items],
        )
        await self._send(
            messages.answer(header, [np.ascontiguousarray(p) for p in pictures if p is not None])
        )


def _check_item(loaded: Loaded, item: int) -> None:
    try:
        check_item(loaded, item)
    except ValueError as error:
        raise WireError("bad-message", str(error)) from error


def _planned(loaded: Loaded, view: View, frame: Frame) -> Plan:
    """Plans a frame; an invalid frame becomes a WireError."""
    try:
        return plan_frame(loaded, view, frame)
    except ValueError as error:
        raise WireError("bad-message", str(error)) from error


def frame_header(loaded: Loaded, view: View, frame: Frame, plan: Plan, decoded: Decoded) -> FrameHeader:
    """The header of a frame's answer: gauge and nearest item of each handle, the path and its gauge.

    If the model has no gauge, a handle's `percentile` is None and `off` is empty.
    """
    gauge = loaded.neighbours.gauge(decoded.index, decoded.distance)
    percentile = gauge.percentile
    return FrameHeader(
        seq=frame.seq,
        shape=loaded.shape,
        pictures=plan.names,
        handles={name: gauge_of(gauge, row) for name, row in plan.handles.items()},
        ms={"queue": round(decoded.queue_ms, 3), "decode": round(decoded.decode_ms, 3)},
        path=np.round(_path(view, frame, plan, decoded), 4).tolist() if frame.strip else [],
        off=[] if percentile is None else np.round(percentile[plan.strip], 2).tolist(),
    )


def gauge_of(gauge: Gauge, row: int) -> GaugeReading:
    """A row of the gauge, in the form of an answer."""
    return GaugeReading(gauge.at(row), round(float(gauge.distance[row]), 5), int(gauge.nearest[row]))


def _path(view: View, frame: Frame, plan: Plan, decoded: Decoded) -> NDArray[np.float64]:
    """Map positions of the strip's frames, shape (F, 2), from handle A to handle B.

    What the map cannot show of the ends (their residual, their sliders) is distributed along the path, so
    that the drawn path starts and ends at the handles; if only one level changes, it starts at A.
    """
    projection, rows = view.projection, plan.strip
    if isinstance(projection, ScatterProjection):
        count = projection.forward_count
        xy = projection.forward_nearest(decoded.index[rows, :count], decoded.distance[rows, :count])
    else:
        xy = projection.forward(plan.z[rows])
    path = xy.astype(np.float64)
    t = fractions(len(path))[:, None]
    a, b = (np.array((frame.handles[name].x, frame.handles[name].y)) for name in ("A", "B"))
    start, end = a - path[0], b - path[-1]
    return cast("NDArray[np.float64]", path + (start if frame.level else (1 - t) * start + t * end))


def item_labels(loaded: Loaded, item: int) -> dict[str, str]:
    """The labels of an item for display: file, attributes, further texts; missing values are left out."""
    if item in loaded.own:
        return {"Yours": loaded.own[item].title}
    labels = {}
    texts = {
        each.title: shortened(each.values[item]) for each in loaded.atlas.texts.values() if each.values[item]
    }
    file = loaded.atlas.texts.get("file")
    if file is not None and file.title in texts:
        labels[file.title] = texts.pop(file.title)
    for attribute in loaded.atlas.attributes.values():
        if text := value_text(attribute, item):
            labels[attribute.title] = text
    return labels | texts


def shortened(text: str) -> str:
    """A text in one line of at most `TEXT_SHOWN` characters; its end is kept, as it distinguishes files."""
    line = " ".join(text.split())
    return line if len(line) <= TEXT_SHOWN else f"{line[: TEXT_SHOWN - 41]} … {line[-38:]}"
