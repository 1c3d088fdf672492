"""Tests of the measurements against independent references, on all images of more than one batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from models import Autoencoder, checkpoint, load
from models.data import ImageData, load_data
from models.evaluate import active_units, bound, evaluate, reconstruct, reconstruction, table, to_tensor
from models.vae import VAE, VAEConfig


@pytest.fixture
def model(tiny_checkpoint: Path) -> VAE:
    """The tiny VAE."""
    model = load(tiny_checkpoint)
    assert isinstance(model, VAE)
    return model


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of which the last is not full, so that a mean of batch means would be wrong."""
    monkeypatch.setattr("models.evaluate.BATCH", 16)


@pytest.fixture
def data() -> ImageData:
    """Forty test digits."""
    return load_data("digits", "test", limit=40)


def by_hand(model: Autoencoder, data: ImageData) -> np.ndarray:
    with torch.no_grad():
        x = torch.from_numpy(data.images.astype(np.float32).transpose(0, 3, 1, 2) / 255)
        return model.decode(model.encode(x).mean).numpy().transpose(0, 2, 3, 1)


def test_images_become_tensors_in_0_to_1() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3) * 11
    x = to_tensor(images)
    assert x.shape == (2, 3, 2, 2) and x[1, 2, 0, 1].item() == pytest.approx(images[1, 0, 1, 2] / 255)


def test_mse_and_psnr_by_hand(model: VAE, data: ImageData) -> None:
    truth, pictures = data.images / 255, by_hand(model, data)
    np.testing.assert_allclose(reconstruct(model, data.images), pictures, atol=1e-5)
    found = reconstruction(model, data)
    mses = [((a - b) ** 2).mean() for a, b in zip(truth, pictures, strict=True)]
    psnrs = [
        peak_signal_noise_ratio(a, b, data_range=1)
        for a, b in zip(truth, pictures.astype(float), strict=True)
    ]
    assert found["mse"]["value"] == pytest.approx(np.mean(mses), abs=2e-6)
    assert found["psnr"]["value"] == pytest.approx(np.mean(psnrs), abs=1e-3)
    assert found["psnr"]["unit"] == "dB" and "digits test, 40 images" in found["psnr"]["protocol"]


def test_a_perfect_reconstruction_has_a_finite_psnr(model: VAE, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_data("digits", "test", limit=3)
    monkeypatch.setattr("models.evaluate.reconstruct", lambda model, images: images.astype(np.float32) / 255)
    found = reconstruction(model, data)
    assert (
        found["mse"]["value"] == 0
        and found["psnr"]["value"] == pytest.approx(100)
        and found["ssim"]["value"] == 1
    )


@pytest.mark.parametrize(
    ("name", "window", "says"),
    [
        ("digits", {"win_size": 7}, "even window of 7 pixels"),
        ("frey-faces", {"gaussian_weights": True, "sigma": 1.5}, "Gaussian window 1.5"),
    ],
)
def test_ssim_is_scikit_image_s(
    name: str, window: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits of 8 pixels are smaller than the Gaussian window."""
    try:
        data = load_data(name, "test", limit=6)
    except ValueError as error:
        pytest.skip(str(error))
    torch.manual_seed(0)
    model = VAE(VAEConfig(data.image_shape, latent=2, width=4, likelihood="bernoulli")).eval()
    truth, pictures = data.images[..., 0] / 255, by_hand(model, data)[..., 0]
    wanted = np.mean(
        [
            structural_similarity(a, b.astype(float), data_range=1.0, use_sample_covariance=False, **window)
            for a, b in zip(truth, pictures, strict=True)
        ]
    )
    found = reconstruction(model, data)["ssim"]
    assert found["value"] == pytest.approx(wanted, abs=1e-5) and says in found["protocol"]


def test_the_bound_is_that_of_torch_distributions(data: ImageData) -> None:
    torch.manual_seed(1)
    model = VAE(VAEConfig((1, 8, 8), latent=3, width=4, likelihood="gaussian", sigma=0.3)).eval()
    found = bound(model, data)
    generator = torch.Generator().manual_seed(0)
    kl, nll = [], []
    with torch.no_grad():
        for start in range(0, 40, 16):
            x = to_tensor(data.images[start : start + 16])
            q = model.encode(x)
            assert q.std is not None
            kl.append(kl_divergence(Normal(q.mean, q.std), Normal(0.0, 1.0)).sum(1))
            pixels = Normal(model.decoder(q.sample(generator)), 0.3).log_prob(x)
            nll.append(-pixels.sum((1, 2, 3)))

    def mean(parts: list[Tensor]) -> float:
        return float(torch.cat(parts).double().mean())

    assert found["kl"]["value"] == pytest.approx(mean(kl), rel=1e-5)
    assert found["reconstruction"]["value"] == pytest.approx(mean(nll), rel=1e-5)
    assert found["loss"]["value"] == pytest.approx(mean(kl) + mean(nll), rel=1e-5)
    assert all(figure["unit"] == "nats/image" for figure in found.values())


def test_active_units_are_those_whose_mean_moves(model: VAE, data: ImageData) -> None:
    with torch.no_grad():
        means = model.encode(to_tensor(data.images)).mean.numpy()
    assert active_units(model, data)["active_units"]["value"] == (means.var(0) > 0.01).sum()
    last = model.encoder[-1]
    with torch.no_grad():
        last.weight[:2] = 0  # two means no longer depend on the image
        last.bias[:2] = 5
    found = active_units(model, data)["active_units"]
    assert found["value"] <= 2 and found["unit"] == "of 4 dimensions"
    assert active_units(model, data.take([0]))["active_units"]["value"] == 0  # one image does not vary


def test_evaluate_is_repeatable_and_keeps_figures_in_the_card_when_asked(copy_of_tiny: Path) -> None:
    first = evaluate(copy_of_tiny, limit=20, command="measured so")
    assert checkpoint.read(copy_of_tiny).card.metrics == {}  # type: ignore[union-attr]
    assert first == evaluate(copy_of_tiny, limit=20, command="measured so", write=True)
    entry = checkpoint.read(copy_of_tiny)
    assert entry.card is not None and entry.card.metrics == first
    assert set(first) == {"mse", "psnr", "ssim", "loss", "reconstruction", "kl", "active_units"}
    assert all(figure["command"] == "measured so" for figure in first.values())
    lines = table(first).splitlines()
    assert len(lines) == 7 and lines[0].startswith("mse ") and "per pixel" in lines[0]


def test_a_limit_must_be_positive(tiny_checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="`limit` must be an integer of at least 1"):
        evaluate(tiny_checkpoint, limit=0)
