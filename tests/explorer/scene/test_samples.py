"""Rows along dimensions, the plane, and the values that codes can be drawn by, on small models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import norm

from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.scene.samples import STEPS, plane, traversals, values
from models.data import Attribute
from tests.explorer.checkpoints import train_digits


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loaded]:
    folder: Path = tmp_path_factory.mktemp("sampling")
    train_digits(folder / "digits-vae", epochs=3)
    train_digits(folder / "flat-vae", latent=2, epochs=1)
    train_digits(folder / "flat-ae", latent=2, epochs=1, model="ae")
    engine = Engine(torch.device("cpu"), workers=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CHECKPOINT_DIR", str(folder))
        found = {name: engine.open_sync(name) for name in ("digits-vae", "flat-vae", "flat-ae")}
    engine.close()
    return found


def test_traversals_start_at_an_image_and_are_ordered_by_kl(shelf: dict[str, Loaded]) -> None:
    loaded = shelf["digits-vae"]
    rows = traversals(loaded, 5, 3, 2.0)
    assert rows.latents.shape == (3, STEPS, 8) and rows.heads[0] == "−2" and rows.heads[STEPS // 2] == "0"
    atlas = loaded.atlas
    assert atlas.std is not None
    kl = 0.5 * (atlas.mean**2 + atlas.std**2 - 1 - 2 * np.log(atlas.std)).mean(0)
    first = int(kl.argmax())
    assert rows.names[0] == f"{first} · {kl[first]:.2f} nats"
    assert rows.latents[0, :, first] == pytest.approx(np.linspace(-2, 2, STEPS))
    others = [d for d in range(8) if d != first]
    assert (rows.latents[0][:, others] == atlas.mean[5, others]).all()
    centre = traversals(loaded, None, 1, 2.0).latents[0, 0, others]
    assert centre == pytest.approx(atlas.mean.mean(0)[others])


def test_traversals_of_a_deterministic_model_use_its_spread(shelf: dict[str, Loaded]) -> None:
    loaded = shelf["flat-ae"]
    rows = traversals(loaded, None, 2, 3.0)
    own = loaded.atlas.mean[:, int(rows.names[0].split()[0])]
    assert rows.heads[-1] == "+3 s" and "nats" not in rows.names[0]
    dimension = int(rows.names[0].split()[0])
    assert rows.latents[0, -1, dimension] == pytest.approx(own.mean() + 3 * own.std(), rel=1e-5)


def test_the_plane_is_the_priors_or_fitted_to_the_latents(shelf: dict[str, Loaded]) -> None:
    grid = plane(shelf["flat-vae"], 9)
    assert grid.shape == (9, 9, 2) and norm.cdf(grid[0, 0]) == pytest.approx([0.05, 0.95])
    fitted = plane(shelf["flat-ae"], 9)
    mean = shelf["flat-ae"].atlas.mean
    assert fitted[4, 4] == pytest.approx(mean.mean(0), abs=1e-5)
    assert norm.cdf((fitted[8, 8] - mean.mean(0)) / mean.std(0)) == pytest.approx([0.95, 0.05], abs=1e-4)
    with pytest.raises(ValueError, match=r"must have two dimensions\. Got 8"):
        plane(shelf["digits-vae"], 9)


def test_values_of_each_kind_and_none_of_too_few_images() -> None:
    kinds = Attribute(
        "kind", "categorical", np.array([0] * 9 + [1] * 4 + [2] * 7, np.int16), ("cat", "dog", "owl")
    )
    assert {name: int(mask.sum()) for name, mask in values(kinds).items()} == {"cat": 9, "owl": 7}
    worn = Attribute("hat", "binary", np.array([0] * 6 + [1] * 14, np.uint8), ())
    assert {name: int(mask.sum()) for name, mask in values(worn).items()} == {"no": 6, "yes": 14}
    tilt = Attribute("tilt", "continuous", np.linspace(0, 1, 30, dtype=np.float32), ())
    thirds = values(tilt)
    assert list(thirds) == ["lowest third", "middle third", "highest third"]
    assert sum(mask.astype(int) for mask in thirds.values()).tolist() == [1] * 30
    assert [np.flatnonzero(mask).tolist() for mask in thirds.values()] == [
        list(range(start, start + 10)) for start in (0, 10, 20)
    ]
