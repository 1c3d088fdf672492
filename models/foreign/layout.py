"""Finds how an encoder and a decoder fit together: which file is which, and the shapes of picture and latent.

The answer is found by shape: a picture (1, C, H, W) is encoded, and the decoder must turn one of the outputs, or the first
half of its channels (the mean of mean and log-variance), into a picture of the same shape. Does not import torch.
"""

from __future__ import annotations

__all__ = ["Layout", "find_layout"]

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.foreign.runtime import Array, Graph, Port

SIZE = 64  # px, default size of pictures whose size is not fixed
SIDES = (8, 256)  # px
GRID = 8  # rows and columns of a latent whose size is not fixed, for a decoder alone
LATENT_AT_MOST = 16_384  # dimensions, as of the grids of other models
BATCH_AT_MOST = 8  # pictures computed at once
VALUES_AT_ONCE = 1 << 20  # of the pictures computed at once
SAME = 1e-3  # difference of an output up to which it counts as the same
SECONDS_AT_MOST = 10.0  # for one picture
HALVES = ("parameters", "moments")  # in the name of an output of means and log-variances


@dataclass(frozen=True)
class Layout:
    """How the files of an imported model are used."""

    image_shape: tuple[int, int, int]  # (C, H, W)
    latent_shape: tuple[int, ...]  # (D,) or (C, H, W)
    decoder: int  # index of the file
    decoder_output: str
    encoder: int = -1  # index of the file; -1 for a decoder alone
    encoder_output: str = ""
    half: bool = False  # the latent is the first half of the encoder's output
    batch: int = 1  # pictures that are computed at once
    encode_ms: float = 0.0  # per picture, on one thread
    decode_ms: float = 0.0


def find_layout(graphs: Sequence[Graph], size: int | None = None) -> Layout:
    """Finds the layout of a pair of an encoder and a decoder in any order, or of a decoder alone.

    Arguments:
        graphs: One or two graphs.
        size: Rows and columns of a picture, if the files do not fix them; 64 if None.

    Raises:
        ValueError: If they do not fit together; the message gives the reason.
    """
    if len(graphs) == 1:
        return _timed(_alone(graphs[0], size), graphs)
    reasons = []
    for encoder, decoder in ((0, 1), (1, 0)):
        try:
            found = _pair(graphs[encoder], graphs[decoder], size)
        except ValueError as error:
            reasons.append(f"With {graphs[encoder].name} as the encoder: {error}")
            continue
        return _timed(replace(found, encoder=encoder, decoder=decoder), graphs)
    raise ValueError(f"No encoder and decoder that fit together. {' '.join(reasons)}")


def _pair(encoder: Graph, decoder: Graph, size: int | None) -> Layout:
    """Finds the layout of an encoder and a decoder; `Layout.encoder` and `Layout.decoder` are set by the caller."""
    shape = _picture_shape(encoder.input, encoder.name, size)
    picture = np.full((1, *shape), 0.5, np.float32)
    reasons = []
    for output in encoder.outputs:
        encoded = encoder.run(picture, output.name)
        for half in (False, True):
            latent = halved(encoded) if half else encoded
            if not _fits(latent, decoder.input):
                continue
            if (
                not half
                and any(word in output.name.lower() for word in HALVES)
                and not decoder.input.shape[1]
            ):
                continue
            try:
                name = _picture_output(decoder, latent, shape)
            except ValueError as error:
                reasons.append(str(error))
                continue
            return Layout(shape, _latent_shape(latent), 0, name, 0, output.name, half)
    outputs = ", ".join(f"{each.name[:40]} {_sides(each)}" for each in encoder.outputs[:5])
    raise ValueError(
        " ".join(reasons[:2])
        or f"the outputs {outputs} do not fit the input {_sides(decoder.input)} of {decoder.name}."
    )


def _alone(decoder: Graph, size: int | None) -> Layout:
    """Finds the layout of a decoder without an encoder."""
    sides = decoder.input.shape
    if len(sides) not in (2, 4) or sides[1] is None:
        raise ValueError(
            f"{decoder.name} must take latents (N, D) or (N, C, H, W) of a fixed number of channels. "
            f"Got {_sides(decoder.input)}."
        )
    latent = np.zeros((1, sides[1], *(side or GRID for side in sides[2:])), np.float32)
    name = _picture_output(decoder, latent)
    found = decoder.run(latent, name)
    if size and None in sides[2:] and found.shape[2] != size:
        rows = max(1, size * latent.shape[2] // found.shape[2])
        latent = np.zeros((1, sides[1], *(side or rows for side in sides[2:])), np.float32)
        found = decoder.run(latent, name)
    if size and size not in found.shape[2:]:
        raise ValueError(f"`--size` must be {found.shape[2]}, the size of {decoder.name}. Got {size}.")
    channels, height, width = found.shape[1:]
    _check_picture((channels, height, width), decoder.name)
    return Layout((channels, height, width), _latent_shape(latent), 0, name)


def _timed(layout: Layout, graphs: Sequence[Graph]) -> Layout:
    """Measures the time per picture, and chooses how many are computed at once.

    Raises:
        ValueError: If a picture takes too long.
    """
    values = int(np.prod(layout.image_shape))
    batch = max(1, min(BATCH_AT_MOST, VALUES_AT_ONCE // values))
    inputs = {layout.decoder: (layout.latent_shape, layout.decoder_output)}
    if layout.encoder >= 0:
        inputs[layout.encoder] = (layout.image_shape, layout.encoder_output)
    times = {}
    for place, (shape, output) in inputs.items():
        graph = graphs[place]
        one = np.zeros((1, *shape), np.float32)
        graph.run(one, output)
        begun = time.perf_counter()
        graph.run(one, output)
        times[place] = time.perf_counter() - begun
        if times[place] > SECONDS_AT_MOST:
            raise ValueError(
                f"{graph.name} must take at most {SECONDS_AT_MOST:.0f} s for one picture. Got {times[place]:.0f} s. "
                "Choose a smaller `--size`."
            )
        if not _takes(graph, output, shape, batch):
            batch = 1
    return replace(
        layout,
        batch=batch,
        encode_ms=round(1e3 * times.get(layout.encoder, 0.0), 2),
        decode_ms=round(1e3 * times[layout.decoder], 2),
    )


def _takes(graph: Graph, output: str, shape: tuple[int, ...], batch: int) -> bool:
    """Whether a graph takes several inputs at once, and gives for each what it gives for it alone."""
    if batch == 1 or graph.input.shape[0] not in (None, batch):
        return False
    values = np.random.default_rng(0).random((batch, *shape), np.float32)
    try:
        together = graph.run(values, output)
        alone = np.concatenate([graph.run(row[None], output) for row in values])
    except ValueError:
        return False
    return together.shape == alone.shape and bool(np.allclose(together, alone, atol=SAME, equal_nan=True))


def halved(encoded: Array) -> Array:
    """Returns the first half of the channels of an encoder's output (N, 2 C, …)."""
    return encoded[:, : encoded.shape[1] // 2]


def _picture_shape(port: Port, name: str, size: int | None) -> tuple[int, int, int]:
    """Returns the shape of the pictures (C, H, W) that an encoder takes."""
    sides = port.shape
    if len(sides) != 4:
        raise ValueError(f"{name} must take pictures (N, C, H, W). Got {_sides(port)}.")
    for side in sides[2:]:
        if size and side not in (None, size):
            raise ValueError(f"`--size` must be {side}, which {name} fixes. Got {size}.")
    channels, height, width = sides[1] or 3, sides[2] or size or SIZE, sides[3] or size or SIZE
    if channels > 4 and width <= 4:
        raise ValueError(
            f"{name} takes pictures (N, H, W, C). Export it with the channels first, (N, C, H, W)."
        )
    _check_picture((channels, height, width), name)
    return channels, height, width


def _check_picture(shape: tuple[int, int, int], name: str) -> None:
    if shape[0] not in (1, 3, 4) or not all(SIDES[0] <= side <= SIDES[1] for side in shape[1:]):
        raise ValueError(
            f"{name} must have pictures of 1, 3 or 4 channels and sides of {SIDES[0]} to {SIDES[1]} pixels. "
            f"Got (C, H, W) = {shape}."
        )


def _picture_output(decoder: Graph, latent: Array, shape: tuple[int, int, int] | None = None) -> str:
    """Returns the output of a decoder that is a picture, of a given shape (C, H, W) if not None."""
    got = []
    for output in decoder.outputs:
        found = decoder.run(latent, output.name).shape
        if len(found) == 4 and found[0] == 1 and (found[1:] == shape if shape else found[1] in (1, 3, 4)):
            return output.name
        got.append(f"{output.name[:40]} {found}")
    wanted = (1, *shape) if shape else "(1, 1 to 4, H, W)"
    raise ValueError(
        f"{decoder.name} must have an output of the shape {wanted}. Got {', '.join(got[:5]) or 'none'}."
    )


def _latent_shape(latent: Array) -> tuple[int, ...]:
    shape = latent.shape[1:]
    size = int(np.prod(shape))
    if size > LATENT_AT_MOST:
        raise ValueError(
            f"A latent must have at most {LATENT_AT_MOST:,} dimensions. Got {shape}, {size:,}. "
            "Choose a smaller `--size`."
        )
    return shape


def _fits(latent: Array, port: Port) -> bool:
    """Whether a latent (1, …) has the shape that an input declares; the number of pictures is free."""
    return (
        latent.ndim in (2, 4)
        and len(port.shape) == latent.ndim
        and 0 not in latent.shape
        and all(side in (None, own) for side, own in zip(port.shape[1:], latent.shape[1:], strict=True))
    )


def _sides(port: Port) -> str:
    return f"({', '.join('?' if side is None else str(side) for side in port.shape)})"
