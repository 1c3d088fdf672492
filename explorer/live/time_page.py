"""The Time connection: a sequence model's belief after t frames, and futures sampled from it.

    {"type": "open", "protocol": 1, "model": "moving-digits-td-vae"}
    {"type": "frame", "seq": 7, "sequence": 12, "seen": 11, "jump": 3, "samples": 6, "seed": 0, "steps": 12,
    "by": 1,
     "want": ["frames", "belief", "jump", "future"]}

`frames` asks for the sequence and, after each of its frames, the mean of the belief, the standard deviation
of each pixel, and the disagreement of draws: of the current state, and after one jump of the longest trained
length. `belief` asks for draws after `seen` frames, `jump` for draws `jump` frames later, `future` for
`steps` jumps of `by` frames each. The answer has a group of pictures for each, in the order of its header.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, get_args

import numpy as np
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr
from numpy.typing import NDArray

from explorer.fields import PROTOCOL, Item, ModelName, Protocol, Schema, Seed, Seq, distinct
from explorer.live import deferred, messages
from explorer.live.messages import Answer, Opening, Pictures, Ping, Shape
from explorer.live.stage import LiveConnection, Role
from explorer.live.validation import WireError, parser

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from explorer.scene.engine import Engine
    from explorer.scene.forecasts import Followed
    from explorer.scene.loaded import Loaded
    from explorer.scene.sequences import SequenceCollection

__all__ = [
    "BY_AT_MOST",
    "SAMPLES_AT_MOST",
    "STEPS_AT_MOST",
    "Ask",
    "OpenSequences",
    "SequenceConnection",
    "parse",
]

Want = Literal["frames", "belief", "jump", "future"]
GroupName = Literal[
    "frames",
    "means",
    "spreads",
    "belief",
    "belief-mean",
    "belief-spread",
    "jump",
    "jump-mean",
    "jump-spread",
    "future",
]
Part = Literal["belief", "jump", "future"]  # has pictures of draws
Group = tuple[GroupName, NDArray[np.uint8]]  # name of pictures (P, H, W, C)

STATISTICS: dict[Part, tuple[GroupName, GroupName]] = {  # over all draws: names of mean and spread
    "belief": ("belief-mean", "belief-spread"),
    "jump": ("jump-mean", "jump-spread"),
}
WANTS: tuple[Want, ...] = get_args(Want)  # in the order of the answer
FRAMES_AT_MOST = 100  # of a sequence
BY_AT_MOST = 64  # frames per jump
SAMPLES_AT_MOST = 8
STEPS_AT_MOST = 40
ALONG = 16  # draws of the belief after each frame of a sequence

Jump = Annotated[int, Meta(ge=1, le=BY_AT_MOST)]  # frames


class OpenSequences(Opening, frozen=True, tag="open"):
    """Opens a sequence model."""

    model: ModelName


class Ask(Schema, frozen=True, tag="frame"):
    """Asks for the belief about a sequence after `seen` frames."""

    seq: Seq
    sequence: Annotated[Item, Meta(title="Row of the test split.")]
    seen: Annotated[int, Meta(ge=1, le=FRAMES_AT_MOST, title="Frames that the model has seen.")]
    jump: Annotated[Jump, Meta(title="Frames that a single jump goes ahead.")]
    samples: Annotated[int, Meta(ge=1, le=SAMPLES_AT_MOST, title="Draws that are shown.")]
    seed: Seed
    steps: Annotated[int, Meta(ge=1, le=STEPS_AT_MOST, title="Jumps of a future.")]
    by: Annotated[Jump, Meta(title="Frames of each jump of a future.")]
    want: Annotated[tuple[Want, ...], Meta(min_length=1, max_length=len(WANTS))]

    def __post_init__(self) -> None:
        force_setattr(self, "want", distinct(self.want, "want", WANTS))


class OpenedSequences(Answer, frozen=True, tag="opened"):
    """The model that is now open, and its sequences."""

    protocol: Protocol
    model: ModelName
    version: str
    shape: Shape
    count: Annotated[int, Meta(title="Number of sequences.")]
    length: Annotated[int, Meta(title="Frames of each.")]
    longest: Annotated[int, Meta(title="The longest jump that the model was trained on, in frames.")]
    seq: Seq | UnsetType = UNSET


class Disagreement(Answer, frozen=True):
    """The disagreement of draws after each frame, now and one jump ahead, as pictures in [0, 1]."""

    now: list[float]
    ahead: list[float]


class SequenceHeader(Pictures, frozen=True, tag="frame"):
    """Groups of pictures of a sequence."""

    sequence: Item
    seen: int
    jump: int
    by: int
    groups: list[tuple[GroupName, int]]  # name and number of pictures, in the order of the pictures
    disagreement: Disagreement | None  # with the frames only
    ms: dict[str, float]


Message = OpenSequences | Ask | Ping

parse: Callable[[str | bytes], Message] = parser(Message)


class _Opened(NamedTuple):
    model: str
    version: str
    sequences: SequenceCollection


class SequenceConnection(LiveConnection):
    """Serves one connection."""

    roles: ClassVar[dict[type, Role]] = {OpenSequences: "open", Ask: "frame", Ping: "ping"}

    def __init__(self, socket: WebSocket, get_engine: Callable[[], Engine]) -> None:
        super().__init__(socket, get_engine)
        self._opened: _Opened | None = None
        self._followed: tuple[Loaded, Followed] | None = None  # the last sequence, and by which model

    def _parse(self, data: str | bytes) -> Message:
        return parse(data)

    async def _answer_open(self, message: OpenSequences) -> None:
        self._opened = self._followed = None
        engine = self._engine = await asyncio.to_thread(self._get_engine)

        try:
            loaded = await engine.open(message.model)
        except deferred.loaded.UnknownModel as error:
            raise WireError("unknown-model", str(error)) from error
        except ValueError as error:
            raise WireError("broken-model", str(error)) from error
        card = loaded.entry.card
        if card is None or not loaded.decoder.model.spec.sequence:
            raise WireError("bad-message", f"`model` must be a sequence model. Got {message.model}.")
        try:
            sequences = await asyncio.to_thread(deferred.sequences.sequences_of, card)
        except ValueError as error:
            raise WireError("broken-model", str(error)) from error
        if self._open is not None:
            return  # superseded by a newer message
        self._opened = _Opened(loaded.name, loaded.version, sequences)
        await self._send(
            messages.text(
                OpenedSequences(
                    protocol=PROTOCOL,
                    model=loaded.name,
                    version=loaded.version,
                    shape=loaded.shape,
                    count=len(sequences.data),
                    length=sequences.data.length,
                    longest=deferred.forecasts.longest_jump(loaded),
                    seq=UNSET if message.seq is None else message.seq,
                )
            )
        )

    async def _current(self) -> tuple[Engine, Loaded, SequenceCollection]:
        """The open model and its sequences, reloaded if the engine has evicted it."""
        opened, engine = self._opened, self._engine
        if opened is None or engine is None:
            raise WireError("not-open", 'No model is open. Send a message of type "open" first.')
        try:
            loaded = engine.peek(opened.model) or await engine.open(opened.model)
        except ValueError as error:
            raise WireError("broken-model", str(error)) from error
        if loaded.version != opened.version:
            text = f"The checkpoint {opened.model} has changed on disk. Open it again."
            raise WireError("not-open", text)
        return engine, loaded, opened.sequences

    async def _answer_frame(self, frame: Ask, came: float) -> None:
        engine, loaded, sequences = await self._current()
        try:
            followed = await self._follow(engine, loaded, sequences, frame.sequence)
            groups, disagreement = await _show(engine, loaded, followed, frame)
        except ValueError as error:
            raise WireError("bad-message", str(error)) from error
        except RuntimeError as error:
            raise WireError("internal", str(error)[:300]) from error
        header = SequenceHeader(
            seq=frame.seq,
            shape=loaded.shape,
            sequence=frame.sequence,
            seen=frame.seen,
            jump=frame.jump,
            by=frame.by,
            groups=[(name, len(pictures)) for name, pictures in groups],
            disagreement=disagreement,
            ms={"total": round(1e3 * (time.perf_counter() - came), 3)},
        )
        await self._send(messages.answer(header, [np.ascontiguousarray(pictures) for _, pictures in groups]))

    async def _follow(
        self, engine: Engine, loaded: Loaded, sequences: SequenceCollection, number: int
    ) -> Followed:
        """The sequence with the model's beliefs; cached for the latest sequence."""
        if self._followed is not None:
            by, followed = self._followed
            if by is loaded and followed.number == number:
                return followed
        followed = await engine.run(partial(deferred.forecasts.follow, loaded, sequences, number))
        self._followed = (loaded, followed)
        return followed


async def _show(
    engine: Engine, loaded: Loaded, followed: Followed, frame: Ask
) -> tuple[list[Group], Disagreement | None]:
    """The requested pictures of a frame, and with its frames the disagreement of the draws."""
    groups: list[Group] = []
    disagreement = None
    if "frames" in frame.want:
        along, disagreement = await _along(engine, loaded, followed, frame.seed)
        groups += along
    states = await engine.run(partial(_states, loaded, followed, frame))
    decoded = await engine.decode(loaded, np.concatenate(list(states.values()))) if states else None
    start = 0
    for name, z in states.items():
        pictures = decoded.pictures[start : start + len(z)] if decoded else np.empty(0, np.uint8)
        start += len(z)
        groups += _shown(name, pictures, frame.samples)
    return groups, disagreement


def _states(loaded: Loaded, followed: Followed, frame: Ask) -> dict[Part, NDArray[np.float32]]:
    """The states (M, D) to decode for each requested part; all draws for a belief or a jump."""
    states: dict[Part, NDArray[np.float32]] = {}
    if "belief" in frame.want:
        states["belief"] = deferred.forecasts.believed(loaded, followed, frame.seen, frame.seed)
    if "jump" in frame.want:
        states["jump"] = deferred.forecasts.futures(loaded, followed, frame.seen, 1, frame.jump, frame.seed)[
            :, 0
        ]
    if "future" in frame.want:
        z = deferred.forecasts.futures(loaded, followed, frame.seen, frame.steps, frame.by, frame.seed)[
            : frame.samples
        ]
        states["future"] = z.reshape(-1, z.shape[-1])
    return states


def _shown(name: Part, pictures: NDArray[np.uint8], samples: int) -> list[Group]:
    """The pictures of a part: the first draws; for a belief or a jump also mean and spread of all."""
    if name == "future":
        return [(name, pictures)]
    mean = np.round(pictures.mean(0, keepdims=True)).astype(np.uint8)
    of_mean, of_spread = STATISTICS[name]
    return [
        (name, pictures[:samples]),
        (of_mean, mean),
        (of_spread, deferred.forecasts.spread(pictures)[None]),
    ]


async def _along(
    engine: Engine, loaded: Loaded, followed: Followed, seed: int
) -> tuple[list[Group], Disagreement]:
    """The frames and, after each, mean and spread of the belief and the disagreement of its draws."""

    def states() -> NDArray[np.float32]:
        after = range(1, followed.length + 1)
        now = [deferred.forecasts.believed(loaded, followed, seen, seed)[:ALONG] for seen in after]
        far = deferred.forecasts.longest_jump(loaded)
        ahead = [
            deferred.forecasts.futures(loaded, followed, seen, 1, far, seed)[:ALONG, 0] for seen in after
        ]
        return np.concatenate([deferred.forecasts.expected(loaded, followed), *now, *ahead])

    decoded = await engine.decode(loaded, await engine.run(states), background=True)
    means, draws = np.split(decoded.pictures, [followed.length])
    now, ahead = draws.reshape(2, followed.length, ALONG, *draws.shape[1:])
    differ = [np.round(deferred.beliefs.disagreement(part) / 255, 5).tolist() for part in (now, ahead)]
    return [
        ("frames", followed.frames),
        ("means", means),
        ("spreads", deferred.forecasts.spread(now)),
    ], Disagreement(*differ)
