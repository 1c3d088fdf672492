"""Tests of the decoder engine: batching, sharing, eviction, and isolation of errors."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.inference import engine as decoding
from explorer.inference.decoder import choose_workers
from explorer.inference.engine import Decoded
from explorer.scene import loaded as scene_loaded
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded, UnknownModel
from models.card import CheckpointError
from models.system import settings
from tests.explorer.conftest import LATENT, NAME

CPU = torch.device("cpu")


@pytest.fixture
def one(places: None) -> Iterator[Engine]:
    """An engine with one worker, so that requests are batched while it works."""
    made = Engine(CPU, workers=1)
    yield made
    made.close()


def codes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, LATENT)).astype(np.float32)


class Recorder:
    """Wraps a model's decoder: records batch sizes, waits at a gate, fails on marked latents."""

    def __init__(self, loaded: Loaded) -> None:
        self.inner: Any = loaded.decoder
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.gate.set()
        loaded.decoder = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        self.batches.append(len(z))
        self.entered.set()
        assert self.gate.wait(10)
        if (z[:, 0] == 99).any():
            raise RuntimeError("out of luck")
        pictures: np.ndarray = self.inner(z)
        return pictures


def ask_behind_one(
    engine: Engine, loaded: Loaded, asks: list[Callable[[], Any]]
) -> tuple[Recorder, list[Any]]:
    """Sends all requests while the worker is busy with one picture; returns results and errors."""
    recorder = Recorder(loaded)
    recorder.gate.clear()

    async def run() -> list[Any]:
        first = asyncio.ensure_future(engine.decode(loaded, codes(1)))
        await asyncio.to_thread(recorder.entered.wait, 10)
        rest = [asyncio.ensure_future(ask()) for ask in asks]
        await asyncio.sleep(0.01)
        recorder.gate.set()
        return (await asyncio.gather(first, *rest, return_exceptions=True))[1:]

    return recorder, asyncio.run(run())


def test_decode_is_the_model_rounded(shared_engine: Engine, loaded: Loaded) -> None:
    z = codes(5)
    with torch.inference_mode():
        x = loaded.decoder.model.decode(torch.from_numpy(z)).numpy()
    found = shared_engine.decode_sync(loaded, z)
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert np.abs(found.astype(int) - np.rint(255 * x).transpose(0, 2, 3, 1)).max() <= 1
    np.testing.assert_array_equal(shared_engine.decode_sync(NAME, z[0]), found[:1])


def test_waiting_jobs_are_batched_and_equal_single_ones(one: Engine) -> None:
    loaded = one.open_sync(NAME)
    alone = [one.decode_sync(loaded, codes(n, n)) for n in (1, 2, 3)]
    asks = [lambda n=n: one.decode(loaded, codes(n, n), neighbours=3) for n in (1, 2, 3)]
    recorder, found = ask_behind_one(one, loaded, asks)
    assert recorder.batches == [1, 6]
    for n, (result, single) in enumerate(zip(found, alone, strict=True), 1):
        assert isinstance(result, Decoded)
        assert np.abs(result.pictures.astype(int) - single).max() <= 1
        index, distance = loaded.neighbours.nearest(codes(n, n), 3)
        np.testing.assert_array_equal(result.index, index)
        np.testing.assert_array_equal(result.distance, distance)


@pytest.mark.parametrize("name", [NAME, "flat-vae"])
def test_a_picture_does_not_depend_on_its_batch(name: str, shared_engine: Engine, places: None) -> None:
    decoder = shared_engine.open_sync(name).decoder
    z = np.random.default_rng(3).normal(size=(40, decoder.latent)).astype(np.float32)
    together = decoder(z).astype(int)
    for size in (1, 3, 7, 16):
        parts = np.concatenate([decoder(z[s : s + size]) for s in range(0, 40, size)])
        assert np.abs(parts - together).max() <= 1


def test_a_long_strip_is_shared_by_the_workers(shared_engine: Engine, loaded: Loaded) -> None:
    z = codes(40)
    whole = loaded.decoder(z)
    np.testing.assert_allclose(shared_engine.decode_sync(loaded, z).astype(int), whole, atol=1)


def test_no_batch_is_larger_than_the_limit(one: Engine) -> None:
    loaded = one.open_sync(NAME)
    recorder = Recorder(loaded)
    assert one.decode_sync(loaded, codes(50)).shape == (50, 8, 8, 1)
    assert max(recorder.batches) == one.batch
    assert sum(recorder.batches) == 50


def test_only_the_failing_job_fails(one: Engine) -> None:
    loaded = one.open_sync(NAME)
    bad = codes(2)
    bad[1, 0] = 99
    asks = [
        lambda: one.decode(loaded, codes(2, 1)),
        lambda: one.decode(loaded, bad),
        lambda: one.decode(loaded, codes(3, 2)),
    ]
    recorder, (first, middle, last) = ask_behind_one(one, loaded, asks)
    assert isinstance(middle, RuntimeError)
    assert "out of luck" in str(middle)
    loaded.decoder = recorder.inner
    for result, z in ((first, codes(2, 1)), (last, codes(3, 2))):
        assert np.abs(result.pictures.astype(int) - loaded.decoder(z)).max() <= 1
    assert one.decode_sync(loaded, codes(1)).shape == (1, 8, 8, 1)


def test_frames_come_before_thumbnails(one: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BACKGROUND_WAIT", 60.0)
    loaded, order = one.open_sync(NAME), []

    async def ask(name: str, background: bool) -> None:
        await one.decode(loaded, codes(3), background=background)
        order.append(name)

    one._background_turn = time.perf_counter()
    asks = [lambda: ask("thumbnails", True), lambda: ask("frame", False)]
    ask_behind_one(one, loaded, asks)
    assert order == ["frame", "thumbnails"]


def test_a_cancelled_job_is_not_decoded(one: Engine) -> None:
    loaded = one.open_sync(NAME)

    async def give_up() -> None:
        task = asyncio.ensure_future(one.decode(loaded, codes(5)))
        await asyncio.sleep(0)
        task.cancel()

    recorder, _ = ask_behind_one(one, loaded, [give_up])
    assert one.decode_sync(loaded, codes(2)).shape[0] == 2
    assert recorder.batches == [1, 2]


def test_many_threads_get_their_own_pictures(shared_engine: Engine, loaded: Loaded) -> None:
    results: dict[int, np.ndarray] = {}

    def ask(n: int) -> None:
        for _ in range(5):
            results[n] = shared_engine.decode_sync(loaded, codes(n % 3 + 1, n))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, found in results.items():
        assert np.abs(found.astype(int) - loaded.decoder(codes(n % 3 + 1, n))).max() <= 1


def test_invalid_latents_are_refused(shared_engine: Engine, loaded: Loaded) -> None:
    with pytest.raises(ValueError, match=r"`z` must have the shape \(M, 6\). Got \(1, 5\)"):
        shared_engine.decode_sync(loaded, np.zeros((1, 5)))
    with pytest.raises(ValueError, match=r"`z` must be finite"):
        shared_engine.decode_sync(loaded, np.full((1, LATENT), np.nan))
    assert shared_engine.decode_sync(loaded, np.zeros((0, LATENT))).shape == (0, 8, 8, 1)


def test_concurrent_openings_share_one_loading(one: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    count, real = [], scene_loaded.load

    def slow(*args: Any) -> Loaded:
        count.append(1)
        time.sleep(0.1)
        return real(*args)

    monkeypatch.setattr(scene_loaded, "load", slow)

    async def run() -> list[Loaded]:
        return await asyncio.gather(*(one.open(NAME) for _ in range(6)))

    found = asyncio.run(run())
    assert len(count) == 1
    assert all(loaded is found[0] for loaded in found)


def test_slow_loading_does_not_block_frames(one: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, release, real = one.open_sync(NAME), threading.Event(), scene_loaded.load
    monkeypatch.setattr(scene_loaded, "load", lambda *a: (release.wait(10), real(*a))[1])

    async def run() -> None:
        opening = asyncio.ensure_future(one.open("flat-vae"))
        for _ in range(20):
            await one.decode(loaded, codes(1))
        assert not opening.done()
        release.set()
        assert (await opening).latent == 2

    asyncio.run(run())


def test_models_are_evicted_by_the_budget(places: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "IN_USE", 0.0)
    small = Engine(CPU, memory_mb=0.001, workers=1)
    try:
        small.open_sync(NAME)
        small.open_sync("flat-vae")
        assert small.loaded() == ["flat-vae"]
        assert small.peek(NAME) is None
        assert small.open_sync(NAME).count == 300
        assert small.loaded() == [NAME]
    finally:
        small.close()


def test_a_compiled_decoder_counts_against_the_budget(places: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the weights a second time; a model that only fitted without it is evicted then."""
    monkeypatch.setattr(decoding, "IN_USE", 0.0)
    plain = 0
    for fits in (True, False):
        made = Engine(CPU, memory_mb=1000 if fits else plain / 2**20, workers=1)
        both = [made.open_sync(NAME), made.open_sync("flat-vae")]
        made._loaders.shutdown()  # waits until they are compiled
        assert all(each.decoder.nbytes > each.decoder.model.nbytes for each in both)
        assert made.loaded() == [NAME, "flat-vae"][not fits :]
        plain = sum(each.nbytes - each.decoder.nbytes + each.decoder.model.nbytes for each in both)
        made.close()


def test_a_model_in_use_is_not_evicted(places: None) -> None:
    small = Engine(CPU, memory_mb=0.001, workers=1)
    try:
        small.open_sync(NAME)
        small.open_sync("flat-vae")
        assert small.loaded() == [NAME, "flat-vae"]
    finally:
        small.close()


def test_the_least_recently_used_model_is_evicted_first(
    places: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(CPU, workers=1)
    try:
        for name in (NAME, "flat-vae", NAME):
            engine.open_sync(name)
        assert engine.loaded() == ["flat-vae", NAME]
        engine.peek("flat-vae")
        assert engine.loaded() == [NAME, "flat-vae"]
    finally:
        engine.close()


def test_an_opening_that_is_given_up_logs_nothing(one: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error reaches nobody; asyncio would report it when the future is collected."""
    release = threading.Event()
    reports: list[dict[str, Any]] = []

    def find(name: str) -> Any:
        assert release.wait(10)
        raise UnknownModel(name)

    monkeypatch.setattr(one, "find", find)

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
        opening = asyncio.ensure_future(one.open("nobody"))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        release.set()
        while one._loading:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        del opening
        gc.collect()

    asyncio.run(run())
    assert not reports


def test_unknown_and_broken_models_give_their_reason(one: Engine, library: Path) -> None:
    with pytest.raises(UnknownModel, match=r"Unknown model 'nobody'. Choose one of: .*tiny-vae"):
        one.open_sync("nobody")
    with pytest.raises(CheckpointError, match=r"has the SHA-256"):
        one.open_sync("broken-vae")
    for path in (str(library / NAME), f"../{library.name}/{NAME}", "..", ""):
        with pytest.raises(UnknownModel):
            one.open_sync(path)
    assert one.open_sync(NAME).count == 300


def test_a_changed_checkpoint_is_loaded_again(
    one: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.explorer.conftest import make_checkpoint

    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    make_checkpoint(tmp_path / NAME)
    before = one.open_sync(NAME)
    assert one.open_sync(NAME) is before
    make_checkpoint(tmp_path / NAME, seed=5)
    assert one.open_sync(NAME).version != before.version


def test_a_closed_engine_says_so(places: None) -> None:
    engine = Engine(CPU, workers=1)
    loaded = engine.open_sync(NAME)
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.decode_sync(loaded, codes(1))


def test_environment_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DEVICE", "toaster")
    with pytest.raises(ValueError, match=r"LATENT_DEVICE must be one of: .*cpu. Got 'toaster'"):
        settings.device()
    monkeypatch.setenv("LATENT_DEVICE", "cpu")
    assert settings.device() == CPU
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert choose_workers(CPU) == 1
    monkeypatch.setenv("LATENT_MEMORY_MB", "much")
    with pytest.raises(ValueError, match=r"LATENT_MEMORY_MB must be a whole number of MiB.*'much'"):
        Engine(CPU)
