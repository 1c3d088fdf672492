"""The decoding engine: each model loaded once per process, decoding for all connections.

Waiting rows (one row is one picture) are in two queues, frames before thumbnails. Each worker thread takes
its share of the waiting rows of one model and decodes them as one batch: rows of many connections are batched
together, and a long strip is split over the workers. A worker runs torch on one thread: several torch threads
spin while they wait for each other, and with a browser or a training run on the same two cores a picture took
200 ms instead of 2.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from explorer.inference.decoder import Decoder, choose_workers
from explorer.latent.neighbours.moving import Nearby
from models.card import Entry
from models.system import settings

__all__ = ["Decoded", "DecodingEngine", "Opened"]

LOG = logging.getLogger(__name__)
T = TypeVar("T")


class Opened(Protocol):
    """What the engine needs of a loaded model."""

    @property
    def name(self) -> str: ...
    @property
    def latent(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int, int]: ...
    @property
    def count(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def decoder(self) -> Decoder: ...
    @property
    def nearby(self) -> Nearby: ...


M = TypeVar("M", bound=Opened)

# Rows; larger batches gain under 5 % on a CPU and make other requests wait.
BATCH = {"cpu": 16, "mps": 64, "cuda": 64}
BACKGROUND_BATCH = 4  # rows; bounds the time a frame may have to wait
BACKGROUND_WAIT = 0.1  # s; thumbnails get a turn at least this often
IN_USE = 5.0  # s after its last use during which a model is not evicted
LOADERS = 2


@dataclass(frozen=True, eq=False, slots=True)
class Decoded:
    """The engine's result for M latents."""

    pictures: NDArray[np.uint8]  # (M, H, W, C)
    index: NDArray[np.int64]  # nearest items, nearest first, (M, k)
    distance: NDArray[np.float64]  # distances to them, (M, k)
    queue_ms: float  # from the request to the start of the first row
    decode_ms: float  # from there to the end of the last row


@dataclass(eq=False, slots=True)
class _Job:
    loaded: Opened
    z: NDArray[np.float32]
    pictures: NDArray[np.uint8]
    index: NDArray[np.int64]
    distance: NDArray[np.float64]
    background: bool
    future: asyncio.Future[Decoded] | Future[Decoded]
    loop: asyncio.AbstractEventLoop | None
    asked: float
    started: float = 0.0
    taken: int = 0  # rows started
    left: int = 0  # rows not finished
    error: Exception | None = None

    def outcome(self, now: float) -> Decoded:
        return Decoded(
            self.pictures,
            self.index,
            self.distance,
            1e3 * (self.started - self.asked),
            1e3 * (now - self.started),
        )


@dataclass(slots=True)
class _Piece:
    job: _Job
    rows: slice


@dataclass(slots=True)
class _Slot(Generic[M]):
    loaded: M
    stamp: tuple[object, ...]
    used: float = field(default_factory=time.monotonic)


class DecodingEngine(ABC, Generic[M]):
    """Models in memory and the threads that decode with them. Thread-safe, for any event loop."""

    def __init__(
        self,
        device: torch.device | None = None,
        memory_mb: float | None = None,
        workers: int | None = None,
        batch: int | None = None,
    ) -> None:
        """Starts the workers.

        Arguments:
            device: Device to decode on; `settings.device()` if None.
            memory_mb: Memory for models and atlases, MiB; LATENT_MEMORY_MB or 1536 if None.
            workers: Concurrent decodes; `choose_workers()` if None.
            batch: Maximum rows per decode; tuned for the device if None.

        Raises:
            ValueError: If an environment variable is not a valid device or amount of memory.
        """
        self.device = settings.device() if device is None else device
        self.budget = (settings.memory_mb() if memory_mb is None else memory_mb) * 2**20
        self.batch = batch or BATCH.get(self.device.type, BATCH["cpu"])
        self._lines: tuple[deque[_Job], deque[_Job]] = deque(), deque()  # frames, background
        self._steps: deque[tuple[Callable[[], Any], Future[Any]]] = deque()  # run before the lines
        self._background_turn = 0.0
        self._idle = 0
        self._closed = False
        self._wake = threading.Condition(threading.Lock())
        self._slots: OrderedDict[str, _Slot[M]] = OrderedDict()
        self._loading: dict[str, Future[M]] = {}
        self._models = threading.RLock()
        self._loaders = ThreadPoolExecutor(LOADERS, "latent-load")
        # The neighbour search is many small products; BLAS threads spin between them and starve the decoders.
        threadpool_limits(1, user_api="blas")
        count = choose_workers(self.device) if workers is None else workers
        self._workers = [
            threading.Thread(target=self._work, name=f"latent-decode-{n}", daemon=True) for n in range(count)
        ]
        for thread in self._workers:
            thread.start()

    @property
    def workers(self) -> int:
        """Number of concurrent decodes."""
        return len(self._workers)

    def close(self) -> None:
        """Stops the threads; waiting requests fail with an error."""
        with self._wake:
            self._closed = True
            waiting = [job for line in self._lines for job in line]
            for line in self._lines:
                line.clear()
            for _, future in self._steps:
                future.cancel()
            self._steps.clear()
            self._wake.notify_all()
        for job in waiting:
            job.error = RuntimeError("The engine was closed.")
        _deliver(waiting)
        for thread in self._workers:
            thread.join()
        self._loaders.shutdown(cancel_futures=True)
        with self._models:
            self._slots.clear()

    # For subclasses: how a name becomes a loaded model

    @abstractmethod
    def find(self, name: str) -> Entry:
        """Finds the checkpoint of this name."""

    @abstractmethod
    def stamp(self, entry: Entry) -> tuple[object, ...]:
        """Changes whenever the checkpoint's files change."""

    @abstractmethod
    def load(self, entry: Entry) -> M:
        """Loads a model on the engine's device."""

    # Models

    def peek(self, name: str) -> M | None:
        """The model if it is in memory; never touches the disk."""
        with self._models:
            slot = self._slots.get(name)
            if slot is None:
                return None
            slot.used = time.monotonic()
            self._slots.move_to_end(name)
            return slot.loaded

    def loaded(self) -> list[str]:
        """Names of the models in memory, least recently used first."""
        with self._models:
            return list(self._slots)

    async def open(self, name: str) -> M:
        """Loads a model without blocking the event loop; concurrent requests share one load.

        Raises:
            UnknownModel: If there is no checkpoint of this name.
            CheckpointError: If it is broken; the message gives the reason.
        """
        opening = asyncio.wrap_future(self._request(name))
        opening.add_done_callback(_retrieve)  # whoever waits may be gone by then
        return await asyncio.shield(opening)

    def open_sync(self, name: str) -> M:
        """Like `open`, blocking."""
        return self._request(name).result()

    def _request(self, name: str) -> Future[M]:
        with self._models:
            waiting = self._loading.get(name)
            if waiting is None:
                waiting = self._loading[name] = self._loaders.submit(self._open, name)
                waiting.add_done_callback(lambda _: self._request_done(name))
            return waiting

    def _request_done(self, name: str) -> None:
        with self._models:
            self._loading.pop(name, None)

    def _open(self, name: str) -> M:
        entry = self.find(name)
        mark = self.stamp(entry)
        with self._models:
            slot = self._slots.get(name)
            if slot is not None and slot.stamp == mark:
                slot.used = time.monotonic()
                self._slots.move_to_end(name)
                return slot.loaded
        torch.set_num_threads(1)
        loaded = self.load(entry)
        with self._models:
            self._slots[name] = _Slot(loaded, mark)
            self._slots.move_to_end(name)
            self._evict()
        if not self._closed:
            self._loaders.submit(self._compile, loaded)
        return loaded

    def _compile(self, loaded: M) -> None:
        """Makes a model's decoder faster, which takes more memory."""
        loaded.decoder.compile()
        with self._models:
            self._evict()

    def _evict(self) -> None:
        """Evicts the least recently used models until the rest fit the memory budget."""
        now = time.monotonic()
        used = sum(slot.loaded.nbytes for slot in self._slots.values())
        for name, slot in list(self._slots.items())[:-1]:
            if used <= self.budget:
                break
            if now - slot.used >= IN_USE:
                used -= slot.loaded.nbytes
                del self._slots[name]

    # Decoding

    async def decode(
        self, loaded: M, z: ArrayLike, *, neighbours: int = 0, background: bool = False
    ) -> Decoded:
        """Decodes latents, batched with other waiting requests.

        Arguments:
            loaded: The model.
            z: Latents, shape (M, D).
            neighbours: Nearest items to find for each latent.
            background: Wait behind all frames.

        Raises:
            ValueError: If `z` has another shape or is not finite.
            RuntimeError: If the decoder fails on these latents, or the engine is closed.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Decoded] = loop.create_future()
        self._submit(_job(loaded, z, neighbours, background, future, loop))
        return await future

    def decode_sync(self, model: str | M, z: ArrayLike, *, background: bool = False) -> NDArray[np.uint8]:
        """Decodes latents, blocking, for example from a page's script.

        Arguments:
            model: A checkpoint's name, or the result of `open_sync`.
            z: Latents, shape (M, D) or (D,).
            background: Wait behind all frames.

        Returns:
            Pictures, uint8, shape (M, H, W, C); M is 1 for a single latent.

        Raises:
            ValueError: If `z` has another shape or is not finite, or as for `open`.
            RuntimeError: If the decoder fails on these latents, or the engine is closed.
        """
        loaded = self.open_sync(model) if isinstance(model, str) else model
        future: Future[Decoded] = Future()
        self._submit(_job(loaded, np.atleast_2d(np.asarray(z)), 0, background, future, None))
        return future.result().pictures

    async def run(self, step: Callable[[], T]) -> T:
        """Runs another step of a frame, such as encoding a picture, on a worker thread.

        Arguments:
            step: Milliseconds of work; its exceptions are raised here.

        Raises:
            RuntimeError: If the engine is closed.
        """
        future: Future[T] = Future()
        with self._wake:
            if self._closed:
                raise RuntimeError("The engine is closed.")
            self._steps.append((step, future))
            self._wake.notify()
        return await asyncio.wrap_future(future)

    def _submit(self, job: _Job) -> None:
        if not job.left:
            _deliver([job])
            return
        with self._wake:
            if self._closed:
                raise RuntimeError("The engine is closed.")
            self._lines[job.background].append(job)
            self._wake.notify(min(job.left, len(self._workers)))

    def _work(self) -> None:
        torch.set_num_threads(1)
        while True:
            with self._wake:
                while not (self._steps or (pieces := self._take())):
                    if self._closed:
                        return
                    self._idle += 1
                    self._wake.wait()
                    self._idle -= 1
                step = self._steps.popleft() if self._steps else None
            if step is not None:
                _run(*step)
            else:
                self._finish(pieces, self._decode(pieces))

    def _take(self) -> list[_Piece]:
        """Takes this worker's share of the waiting rows of one model. The caller holds the lock."""
        frames, background = self._lines
        now = time.perf_counter()
        take_background = bool(background) and (not frames or now - self._background_turn > BACKGROUND_WAIT)
        line = background if take_background else frames
        if not line:
            return []
        if take_background:
            self._background_turn = now
        loaded = line[0].loaded
        waiting = sum(len(job.z) - job.taken for job in line if job.loaded is loaded)
        # Woken workers that wait for the lock still count as idle, and each takes its own share.
        share = -(-waiting // (self._idle + 1))
        room = min(share, BACKGROUND_BATCH if take_background else self.batch)
        pieces: list[_Piece] = []
        skipped: list[_Job] = []
        while line and room:
            job = line[0]
            if job.future.cancelled() or job.error is not None:
                line.popleft()
                continue
            if job.loaded is not loaded:
                skipped.append(line.popleft())
                continue
            stop = min(job.taken + room, len(job.z))
            pieces.append(_Piece(job, slice(job.taken, stop)))
            room -= stop - job.taken
            if job.taken == 0:
                job.started = now
            job.taken = stop
            if stop == len(job.z):
                line.popleft()
        line.extendleft(reversed(skipped))
        return pieces

    def _decode(self, pieces: list[_Piece]) -> dict[_Job, Exception]:
        """Decodes pieces of one model as one batch; if that fails, one by one, to find which ones fail."""
        try:
            _fill(pieces)
        except Exception as error:
            if len(pieces) == 1:
                LOG.warning("Decoding with %s failed: %s", pieces[0].job.loaded.name, error)
                return {pieces[0].job: error}
            failed: dict[_Job, Exception] = {}
            for piece in pieces:
                failed |= self._decode([piece])
            return failed
        return {}

    def _finish(self, pieces: list[_Piece], failed: dict[_Job, Exception]) -> None:
        done = []
        with self._wake:
            for piece in pieces:
                job = piece.job
                job.left -= piece.rows.stop - piece.rows.start
                if job.error is not None:
                    continue  # already answered
                if job in failed:
                    job.error = failed[job]
                    done.append(job)
                elif not job.left:
                    done.append(job)
        _deliver(done)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Marks the error of a future as seen, so that it is not reported as one that nobody has handled."""
    if not future.cancelled():
        future.exception()


def _run(step: Callable[[], Any], future: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(step())
    except Exception as error:
        future.set_exception(error)


def _job(
    loaded: Opened,
    z: ArrayLike,
    neighbours: int,
    background: bool,
    future: asyncio.Future[Decoded] | Future[Decoded],
    loop: asyncio.AbstractEventLoop | None,
) -> _Job:
    latents = np.asarray(z, np.float32)
    if latents.ndim != 2 or latents.shape[1] != loaded.latent:
        raise ValueError(f"`z` must have the shape (M, {loaded.latent}). Got {latents.shape}.")
    if not np.isfinite(latents).all():
        raise ValueError("`z` must be finite. Got NaN or infinity.")
    channels, height, width = loaded.shape
    count = len(latents)
    k = min(neighbours, loaded.count)
    return _Job(
        loaded,
        latents,
        np.empty((count, height, width, channels), np.uint8),
        np.empty((count, k), np.int64),
        np.empty((count, k)),
        background,
        future,
        loop,
        time.perf_counter(),
        left=count,
    )


def _fill(pieces: list[_Piece]) -> None:
    """Decodes the rows of the pieces and finds their neighbours."""
    loaded = pieces[0].job.loaded
    one = len(pieces) == 1
    latents = [piece.job.z[piece.rows] for piece in pieces]
    pictures = loaded.decoder(latents[0] if one else np.concatenate(latents))
    start = 0
    for piece, part in zip(pieces, latents, strict=True):
        piece.job.pictures[piece.rows] = pictures[start : start + len(part)]
        start += len(part)
    asking = [(piece, part) for piece, part in zip(pieces, latents, strict=True) if piece.job.index.shape[1]]
    if not asking:
        return
    k = max(piece.job.index.shape[1] for piece, _ in asking)
    index, distance = loaded.nearby.nearest(np.concatenate([part for _, part in asking]), k)
    start = 0
    for piece, part in asking:
        wanted = piece.job.index.shape[1]
        rows = slice(start, start + len(part))
        piece.job.index[piece.rows] = index[rows, :wanted]
        piece.job.distance[piece.rows] = distance[rows, :wanted]
        start += len(part)


def _deliver(jobs: list[_Job]) -> None:
    """Resolves the futures of finished jobs, with one call per event loop."""
    now = time.perf_counter()
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is None:
            if not job.future.cancelled():
                _resolve([job], now)
        else:
            loops.setdefault(job.loop, []).append(job)
    for loop, its in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, its, now)
        except RuntimeError:
            LOG.debug("An event loop was closed before its pictures were ready.")


def _resolve(jobs: list[_Job], now: float) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.outcome(now))
        elif isinstance(job.error, RuntimeError | ValueError):
            job.future.set_exception(job.error)
        else:
            job.future.set_exception(RuntimeError(f"The decoder failed: {job.error}"))
