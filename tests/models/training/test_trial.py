"""Tests of trial steps: the batch is halved until it fits into memory, and the model is not changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models import MODELS, checkpoint
from models.training.build import build
from models.training.distributed import Processes
from models.training.examples import load_examples
from models.training.train import TrainingError, train
from models.training.trial import try_steps
from models.vae import VAE
from tests.conftest import tiny_run

CPU = torch.device("cpu")


class Large(VAE):
    """A VAE that runs out of memory with more than `most` images."""

    most = 40

    def loss(self, x: Tensor, **options: Any) -> Any:
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")
        return super().loss(x, **options)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "vae", Large)
    monkeypatch.setattr(Large, "most", 40)


def test_a_too_large_batch_is_halved_and_recorded_in_the_card(tmp_path: Path) -> None:
    run = tiny_run(batch=0, epochs=1, config={"latent": 2, "width": 4, "network": "mlp"})
    card = train(run, tmp_path / "run", device=CPU)
    assert card.training["batch"] == 32 and card.training["steps"] == 10  # 128, 64, 32
    assert checkpoint.read(tmp_path / "run").card == card


def test_trial_steps_do_not_change_the_model_and_measure_the_time() -> None:
    run = tiny_run(batch=64)
    examples, _ = load_examples(run)
    model = build(run, examples.image_shape)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    found, seconds = try_steps(run, model, examples, Processes(CPU))
    assert found.batch == 32 and seconds > 0
    assert all(torch.equal(before[name], values) for name, values in model.state_dict().items())


def test_too_little_memory_for_one_image_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Large, "most", 0)
    examples, _ = load_examples(tiny_run())
    with pytest.raises(ValueError, match=r"one image fits into memory. Choose a smaller network"):
        try_steps(tiny_run(batch=4), build(tiny_run(), examples.image_shape), examples, Processes(CPU))


def test_running_out_of_memory_later_names_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingError, match=r"at step 0, with 50 images per step. .* Start again with a smaller `--batch`"
    ):
        train(tiny_run(), tmp_path / "run", device=CPU)


@pytest.mark.parametrize(("alone", "threads"), [(0.01, 1), (0.1, 2)])
def test_one_thread_is_used_if_several_are_slower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: float, threads: int
) -> None:
    seconds = {1: alone, 2: 0.05}
    monkeypatch.setattr("models.training.trial.timed_steps", lambda *_: seconds[torch.get_num_threads()])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        card = train(tiny_run(minutes=0.005, batch=20), tmp_path / "run", device=CPU)
        assert card.training["threads"] == threads and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
