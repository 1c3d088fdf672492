"""The scores of PCA and of an untrained encoder: as those of a model, with protocols that say what was fitted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models import load
from models.evaluation.disentanglement import disentanglement
from models.evaluation.disentanglement.baselines import baselines, untrained
from models.evaluation.disentanglement.dci import TREES
from models.evaluation.disentanglement.scores import quick_scores
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
    found = baselines(model, test, test)
    names = [f"{score}_{end}" for end in ("pca", "untrained") for score in ("mig", "factor_vae", "beta_vae")]
    assert list(found) == names and all(0 <= each["value"] <= 1 for each in found.values())
    assert found["mig_pca"]["protocol"].endswith("seed 0; PCA of 200 training images")
    assert found["mig_untrained"]["protocol"].endswith("; no training steps")
    assert "mean codes of 3 dimensions" in found["mig_pca"]["protocol"]
    own, whole = quick_scores(model, test), disentanglement(model, test)
    assert all(own[name] == whole[name] for name in own)


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
