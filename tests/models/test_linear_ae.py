"""Test of the linear autoencoder: trained, it is as good as PCA and spans the same subspace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA

from models import load
from models.data import load_data
from models.linear_ae import LinearAE, LinearAEConfig
from models.training.train import Run, train


def test_a_linear_autoencoder_is_linear() -> None:
    torch.manual_seed(0)
    model = LinearAE(LinearAEConfig((1, 8, 8), latent=5)).eval()
    x = torch.rand(2, 1, 8, 8)
    mixed = model.encode(0.3 * x[:1] + 0.7 * x[1:]).mean
    torch.testing.assert_close(mixed, 0.3 * model.encode(x[:1]).mean + 0.7 * model.encode(x[1:]).mean)
    z = torch.randn(2, 5)
    torch.testing.assert_close(
        model.decoder(0.3 * z[:1] + 0.7 * z[1:]), 0.3 * model.decoder(z[:1]) + 0.7 * model.decoder(z[1:])
    )


def test_trained_on_digits_it_reaches_pca(tmp_path: Path) -> None:
    """The high rate suits a problem without local minima."""
    run = Run("linear-ae", "digits", {"latent": 8}, epochs=200, rate=0.1)
    train(run, tmp_path / "linear", device=torch.device("cpu"))
    model = load(tmp_path / "linear")
    assert isinstance(model, LinearAE)
    images = load_data("digits", "train").images
    rows = images.reshape(len(images), -1) / 255.0
    pca = PCA(8).fit(rows)
    best = ((pca.inverse_transform(pca.transform(rows)) - rows) ** 2).mean()
    x = torch.tensor(rows, dtype=torch.float32).view(-1, 1, 8, 8)
    ours = (model.decoder(model.encode(x).mean) - x).double().square().mean().item()
    assert best <= ours <= 1.001 * best
    axes = torch.linalg.qr(model.decoder.get_parameter("0.0.weight").double()).Q
    cosines = torch.linalg.svdvals(torch.tensor(pca.components_) @ axes)
    assert np.rad2deg(cosines.clamp(max=1).acos().max().item()) < 1
