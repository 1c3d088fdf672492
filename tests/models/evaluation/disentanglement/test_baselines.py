"""The scores of PCA and of an untrained encoder: as those of a model, with protocols that say what was fitted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import load
from models.evaluation.disentanglement import disentanglement
from models.evaluation.disentanglement.baselines import baselines, untrained
from models.evaluation.disentanglement.dci import TREES
from models.vae import VAE, VAEConfig
from tests.models.evaluation.disentanglement.test_scores import pictures


@pytest.fixture(autouse=True)
def few_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TREES, "n_estimators", 5)
    monkeypatch.setattr("models.evaluation.disentanglement.scores.BATCHES", 60)
    monkeypatch.setattr("models.evaluation.disentanglement.scores.TEST_BATCHES", 30)


def test_baselines_are_measured_as_the_model_is() -> None:
    test = pictures(200)
    torch.manual_seed(3)
    model = VAE(VAEConfig(test.image_shape, latent=3, width=2)).eval()
    found = baselines(model, test, test, seeds=(0, 1))
    own = disentanglement(model, test)
    assert list(found) == [f"{score}_{end}" for end in ("pca", "untrained") for score in own]
    assert all(0 <= value <= 1 for each in found.values() for value in each["values"])
    assert all(each["value"] == each["values"][0] for each in found.values())
    for name, about in (
        ("mig_pca", "PCA of 200 training images drawn with replacement, seeds 0, 1"),
        ("mig_untrained", "no training steps, weights of seeds 0, 1"),
    ):
        assert found[name]["protocol"] == f"{own['mig']['protocol']}; {about}"
    for seed in (0, 1):
        fresh = disentanglement(untrained(model, seed), test)
        assert [found[f"{name}_untrained"]["values"][seed] for name in own] == [
            one["value"] for one in fresh.values()
        ]
    assert len(set(found["mig_pca"]["values"])) == 2, "each seed draws its own images"


def test_the_untrained_model_has_fresh_weights_and_leaves_others_randomness_alone(
    tiny_checkpoint: Path,
) -> None:
    model = load(tiny_checkpoint)
    state = torch.get_rng_state()
    one, again, other = untrained(model), untrained(model), untrained(model, 1)
    assert torch.equal(torch.get_rng_state(), state)
    first = [next(each.parameters()) for each in (model, one, again, other)]
    assert torch.equal(first[1], first[2])
    assert not torch.equal(first[1], first[0]) and not torch.equal(first[1], first[3])
