"""Measures many simultaneous drags: pictures per second over all connections, relative to the decoder's maximum.

    python -m benchmarks.sessions [--clients 8] [--seconds 10] [--model NAME] [--json]

First the decoder alone, before any server runs: batches of 1 to 128 latents, with the explorer's `Decoder` and with the
bare model, on all cores, once with one caller whose torch uses every core and once with one caller per core; the best
counts. Then the app in a separate process, and all clients in this one: each is a WebSocket that keeps one frame in
flight, like the stage, and requests the next when an answer arrives. Client and server share the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import struct
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.cases import choose_model, fetch_originals
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import Server, app_command, cores, end_on_sigterm, free_port
from benchmarks.summary import quantile
from explorer.atlas.storage import load_atlas
from models.card import Entry

__all__ = ["bars", "decoder_rates", "main"]

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
SWEEP = 0.4  # s per measurement of the decoder
BAR = 0.6  # share of the decoder's maximum
STRIP = 9
WARM_UP = 1.5  # s
TURN = 4.0  # s per revolution of a handle
ANSWER = 20.0  # s, timeout for an answer
STEPS = 64  # positions per revolution


# The decoder alone


def decoder_rates(folder: str, seconds: float = SWEEP) -> dict[str, dict[int, float]]:
    """Pictures per second of a checkpoint's decoder, by calling pattern and batch size."""
    from pathlib import Path

    import torch

    from explorer.inference.decoder import Decoder
    from models import load
    from models.system import settings

    device = settings.device()
    decoder = Decoder(load(Path(folder)), device)
    decoder.compile()
    random = np.random.default_rng(0)

    def own(codes: NDArray[np.float32]) -> None:
        decoder(codes)

    def bare(codes: NDArray[np.float32]) -> None:
        with torch.inference_mode():
            decoder.model.decode(torch.from_numpy(codes).to(device).reshape(-1, *decoder.model.spec.shape))
            if device.type == "cuda":
                torch.cuda.synchronize()

    variants: dict[str, tuple[Callable[[NDArray[np.float32]], None], int, int]] = {
        f"{name}, {callers} × {threads}": (call, callers, threads)
        for name, call in (("Decoder", own), ("model.decode", bare))
        for callers, threads in dict.fromkeys(((1, cores()), (cores(), 1)))
    }
    return {
        variant: {
            size: _rate(
                call, random.standard_normal((size, decoder.latent), np.float32), callers, threads, seconds
            )
            for size in BATCHES
        }
        for variant, (call, callers, threads) in variants.items()
    }


def _rate(
    call: Callable[[NDArray[np.float32]], None],
    codes: NDArray[np.float32],
    callers: int,
    threads: int,
    seconds: float,
) -> float:
    """Pictures per second of several concurrent callers, each with a number of torch threads."""
    import torch

    done = [0.0] * callers
    together = threading.Barrier(callers)

    def work(number: int) -> None:
        torch.set_num_threads(threads)
        call(codes)
        together.wait()
        start, count = time.perf_counter(), 0
        while (spent := time.perf_counter() - start) < seconds:
            call(codes)
            count += len(codes)
        done[number] = count / spent

    hands = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    return sum(done)


# The connections


@dataclass
class Client:
    """Measurements of one connection."""

    pictures: int = 0
    latencies: list[float] = field(default_factory=list)  # ms from the request to the answer


class Clock:
    """Start and end of the measurement; infinite until all clients are connected."""

    def __init__(self) -> None:
        self.start = self.end = math.inf


def _requests(atlas: Any, view: str, number: int, frames: int) -> list[str]:
    """The messages of one client: one revolution of its handle over the map, with a placeholder for `seq`."""
    xy = atlas.maps[view] if view in atlas.maps else atlas.mean[:, :2]
    low, high = np.percentile(xy, 15, axis=0), np.percentile(xy, 85, axis=0)
    item, other = (97 * number + 13) % len(atlas), (131 * number + 71) % len(atlas)
    handle_b = {"item": other, "x": float(xy[other, 0]), "y": float(xy[other, 1])}
    messages = []
    for step in range(STEPS):
        angle = 2 * math.pi * (step / STEPS + number / 8)
        x, y = (low + high) / 2 + (high - low) / 2 * (math.cos(angle), math.sin(angle))
        body: dict[str, Any] = {
            "want": ["A"],
            "handles": {"A": {"item": item, "x": float(x), "y": float(y)}, "B": handle_b},
            "residual": "hold",
        }
        if frames:
            body |= {"want": ["A", "strip"], "strip": {"frames": frames, "path": "straight"}}
        messages.append('{"type":"frame","seq":%d,' + json.dumps(body)[1:])
    return messages


async def _drag(
    socket: ClientConnection, requests: list[str], client: Client, clock: Clock, frames: int
) -> None:
    """Keeps one frame in flight until the end; counts the answers within the measurement."""
    number = 0
    pictures = frames or 1  # decoded per frame; the strip includes the handle's picture
    while (asked := time.perf_counter()) < clock.end:
        await socket.send(requests[number % STEPS] % number)
        answer = await asyncio.wait_for(socket.recv(), ANSWER)
        while isinstance(answer, str) and answer.startswith('{"type":"originals"'):  # between two answers
            answer = await asyncio.wait_for(socket.recv(), ANSWER)
        now = time.perf_counter()
        if isinstance(answer, str):
            raise RuntimeError(f"The server answered a frame with {answer[:200]}")
        length = struct.unpack_from("<I", answer, 4)[0]
        if (
            not answer.startswith(b"LXP1")
            or b'"seq":%d,' % number not in answer[8:120]
            or len(answer) <= 8 + length
        ):
            raise RuntimeError(f"The server answered frame {number} with {answer[:120]!r}")
        if clock.start <= asked and now <= clock.end:
            client.pictures += pictures
            client.latencies.append(1e3 * (now - asked))
        number += 1


async def _all(entry: Entry, port: int, count: int, seconds: float, frames: int) -> list[Client]:
    """Runs all clients together, after a warm-up."""
    atlas = await asyncio.to_thread(load_atlas, entry)
    view = "umap" if "umap" in atlas.maps else ("raw" if atlas.mean.shape[1] == 2 else "dims-0-1")
    clients, clock, sockets = [Client() for _ in range(count)], Clock(), []
    hello = json.dumps({"type": "open", "protocol": 1, "model": entry.name, "view": view})
    try:
        for _ in clients:
            socket = await connect(f"ws://localhost:{port}/live/socket", compression=None, max_size=None)
            sockets.append(socket)
            await socket.send(hello)
            opened = await asyncio.wait_for(socket.recv(), 60)
            if not isinstance(opened, str) or '"opened"' not in opened:
                raise RuntimeError(f"The server did not open {entry.name}: {opened[:200]!r}")
        clock.start = time.perf_counter() + WARM_UP
        clock.end = clock.start + seconds
        hands = [
            _drag(socket, _requests(atlas, view, number, frames), client, clock, frames)
            for number, (socket, client) in enumerate(zip(sockets, clients, strict=True))
        ]
        await asyncio.gather(*hands)
    finally:
        await asyncio.gather(*(socket.close() for socket in sockets))
    return clients


def _metrics(clients: list[Client], seconds: float, best: float) -> dict[str, Any]:
    """Total throughput of all clients, and how evenly it is shared."""
    rates = [client.pictures / seconds for client in clients]
    together = sum(rates)
    p95 = [quantile(client.latencies, 0.95) for client in clients]
    every = [value for client in clients for value in client.latencies]
    return {
        "pictures_per_s": together,
        "ratio": together / best,
        "p50": quantile(every, 0.5),
        "p95": quantile(every, 0.95),
        "slowest_share": min(rates) / (together / len(rates)) if together else float("nan"),
        "fastest_share": max(rates) / (together / len(rates)) if together else float("nan"),
        "frames_per_s": [len(client.latencies) / seconds for client in clients],
        "client_p95": p95,
    }


# The run


def measure(entry: Entry, count: int, seconds: float) -> dict[str, Any]:
    """The decoder's maximum, then the connections with one picture per frame and with a filmstrip."""
    fetch_originals(entry, load_atlas(entry))
    print("The decoder alone …", file=sys.stderr, flush=True)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # its threads end with the process
        sweep = pool.submit(decoder_rates, str(entry.path)).result()
    variant, size, best = max(
        ((w, s, r) for w, rates in sweep.items() for s, r in rates.items()), key=lambda row: row[2]
    )
    found: dict[str, Any] = {
        "decoder": sweep,
        "best": {"variant": variant, "batch": size, "pictures_per_s": best},
    }
    port = free_port()
    with Server(app_command(sys.executable, "app.py", port), port):
        for name, frames in (("one", 0), ("strip", STRIP)):
            print(
                f"{count} clients, {'filmstrip' if frames else 'one picture per frame'} …",
                file=sys.stderr,
                flush=True,
            )
            clients = asyncio.run(_all(entry, port, count, seconds, frames))
            found[name] = _metrics(clients, seconds, best)
    return found


def bars(found: dict[str, Any]) -> list[Bar]:
    """Both kinds of frames against the bar."""
    return [
        Bar("all connections / decoder's best, one picture per frame", found["one"]["ratio"], BAR, "least"),
        Bar(f"all connections / decoder's best, filmstrip of {STRIP}", found["strip"]["ratio"], BAR, "least"),
    ]


def report(found: dict[str, Any], count: int) -> str:
    """The results as text tables."""
    sizes = next(iter(found["decoder"].values()))
    alone = table(
        ["pictures/s, callers × threads", *(f"batch {size}" for size in sizes)],
        [
            [variant, *(number(rate, 0) for rate in rates.values())]
            for variant, rates in found["decoder"].items()
        ],
    )
    best = found["best"]
    rows = [
        [
            title,
            number(f["pictures_per_s"], 0),
            f"{f['ratio']:.0%}",
            number(f["p50"]),
            number(f["p95"]),
            number(max(f["client_p95"])),
            f"{f['slowest_share']:.0%}",
            f"{f['fastest_share']:.0%}",
        ]
        for title, f in (
            (f"{count} clients, one picture per frame", found["one"]),
            (f"{count} clients, filmstrip of {STRIP}", found["strip"]),
        )
    ]
    heads = [
        "sessions",
        "pictures/s",
        "of the best",
        "p50 ms",
        "p95 ms",
        "worst client's p95",
        "slowest client",
        "fastest client",
    ]
    summary = f"The decoder's best: {best['pictures_per_s']:.0f} pictures/s ({best['variant']}, batch {best['batch']})."
    return f"{alone}\n\n{summary}\n\n{table(heads, rows)}"


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the tables, and compares the results with the bars."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sessions", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--clients", type=int, default=8, help="that drag at once (8)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (10)")
    parser.add_argument("--model", help="name of a checkpoint (faces-vae)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.clients < 1 or options.seconds < 1:
        parser.error("--clients and --seconds must be at least 1")
    end_on_sigterm()
    try:
        entry = choose_model(options.model)
        about = machine() | {"model": entry.name, "seconds": options.seconds, "clients": options.clients}
        found = measure(entry, options.clients, options.seconds)
    except (ValueError, RuntimeError, OSError, WebSocketException) as error:
        print(f"python -m benchmarks.sessions: {error}", file=sys.stderr)
        return 1
    checked = bars(found)
    if options.json:
        print(json_text(about | found | {"bars": [bar.as_dict() for bar in checked]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        print(report(found, options.clients), bars_text(checked), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
