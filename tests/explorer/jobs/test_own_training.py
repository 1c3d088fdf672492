"""A training on the user's own images: preparation, early models, pause, name and settings."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.atlas.storage import load_atlas
from explorer.catalogue.model_choices import CHOICES, settings_for
from explorer.jobs import own_training, trainings
from explorer.jobs.trainings import Trainings
from models import MODELS, checkpoint
from models.configuration import config_from_dict
from models.data.own import Preparation
from models.training.previews import read_previews
from models.training.run import Run

PATIENCE = 120.0  # s; shared machines can be slow


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """An empty folder of runs, and an empty cache."""
    (tmp_path / "bundled").mkdir()
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{tmp_path / 'bundled'}{os.pathsep}{tmp_path / 'runs'}")
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(trainings, "SNAPSHOTS", (0.2,))
    return trainings.trainings()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Minutes of training on forty pictures in two folders."""
    rng = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "photos" / ("dark", "light")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(100 * (number % 2), 100 * (number % 2) + 100, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    preparation = Preparation(str(tmp_path / "photos"), size=8)
    return own_training.run_of(CHOICES["plane"], {"latent": 2, "width": 4}, preparation, 5)


def wait_for(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def test_it_is_prepared_explored_early_and_paused(runs: Trainings, run: Run) -> None:
    assert own_training.name_of(run) == "photos-vae" and run.title == "photos, VAE"
    training = runs.start(run, "photos")
    phases = [training.phase]
    wait_for(lambda: phases.append(training.phase) or training.newest or training.error, "an early model")
    assert list(dict.fromkeys(phases)) == ["preparing", "training"] and training.error is None
    assert training.newest == "photos-early-1" and runs.newer("photos") == "photos-early-1"
    early = checkpoint.read(runs.root / "photos-early-1")
    assert "class" in load_atlas(early).attributes
    assert own_training.facts_of(early)["PSNR on test images"].endswith(" dB (4 images)")
    assert read_previews(runs.root / "photos") is not None
    assert runs.of("photos-early-1") is training and runs.of("other") is None
    assert [info.state for info in runs.runs()] == ["training"], "an early model is no run"
    training.pause()
    assert training.ending
    training.wait(PATIENCE)
    assert training.error is None and not training.cancelled
    (info,) = runs.runs()
    assert info.state == "unfinished" and info.step > 0
    runs.delete("photos")
    assert not early.path.exists() and runs.runs() == []


def test_images_that_cannot_be_read_end_it_before_anything_is_trained(
    runs: Trainings, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    lost = own_training.run_of(CHOICES["vae"], {}, Preparation(str(tmp_path / "empty")), 1)
    training = runs.start(lost, "lost")
    training.wait(PATIENCE)
    assert training.error is not None and "empty" in training.error
    assert not (runs.root / "lost").exists()
    (info,) = runs.runs()
    assert info.state == "failed" and info.error == training.error


@pytest.mark.parametrize("key", list(CHOICES))
@pytest.mark.parametrize("side", [8, 16, 32, 64, 256])
def test_every_choice_is_valid_for_every_size(key: str, side: int) -> None:
    choice, shape = CHOICES[key], (3, side, side)
    config_from_dict(MODELS[choice.model].Config, {**settings_for(choice, shape), "image_shape": shape})


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a/Ferien 2024.zip", "ferien-2024-vae"), ("/a/猫", "images-vae"), ("/" + "x" * 90, "x" * 40 + "-vae")],
)
def test_a_name_is_made_from_the_images(path: str, name: str) -> None:
    assert own_training.name_of(own_training.run_of(CHOICES["vae"], {}, Preparation(path), 1)) == name
