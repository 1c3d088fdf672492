"""Tests of PCA against scikit-learn, of its sigma, and of subspace iteration for large images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA as Reference
from torch import Tensor

import models.pca
from models.data import load_data
from models.pca import PCA, PCAConfig, principal_components

D = 8


def digits(split: str = "train") -> tuple[Tensor, NDArray[np.float64]]:
    """Images uint8 (N, 1, 8, 8), and as rows in [0, 1]."""
    images = load_data("digits", split).images
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), images.reshape(len(images), -1) / 255.0


def fitted(latent: int = D) -> PCA:
    model = PCA(PCAConfig((1, 8, 8), latent=latent)).eval()
    model.fit(digits()[0])
    return model.requires_grad_(False)


def test_components_mean_and_error_are_those_of_scikit_learn() -> None:
    images, rows = digits()
    mean, components, error = principal_components(images, D)
    pca = Reference(D, svd_solver="full").fit(rows)
    np.testing.assert_allclose(mean, pca.mean_, atol=1e-12)
    signs = np.sign((components.numpy() * pca.components_).sum(1))
    np.testing.assert_allclose(components, signs[:, None] * pca.components_, atol=1e-8)
    left = ((pca.inverse_transform(pca.transform(rows)) - rows) ** 2).mean()
    assert error.item() == pytest.approx(left, rel=1e-10)


def test_latents_and_reconstructions_of_test_images_are_those_of_scikit_learn() -> None:
    model, pca = fitted(), Reference(D, svd_solver="full").fit(digits()[1])
    images, rows = digits("test")
    x = images.float() / 255
    codes = pca.transform(rows)
    ours = model.encode(x)
    assert ours.std is None
    signs = np.sign((ours.mean.numpy() * codes).sum(0))
    np.testing.assert_allclose(ours.mean, signs * codes, atol=2e-5)
    output = model.decoder(ours.mean).flatten(1)
    np.testing.assert_allclose(output, pca.inverse_transform(codes), atol=2e-5)
    np.testing.assert_allclose(model.decode(ours.mean).flatten(1), output.clamp(0, 1))


def test_axes_are_orthonormal_sorted_by_variance_and_uncorrelated() -> None:
    images, _ = digits()
    _, components, _ = principal_components(images, 64)
    torch.testing.assert_close(components @ components.T, torch.eye(64, dtype=torch.float64))
    codes = fitted().encode(images.float() / 255).mean.double()
    covariance = codes.T.cov(correction=0)
    assert (covariance.diagonal().diff() < 0).all()
    torch.testing.assert_close(covariance, covariance.diagonal().diag(), rtol=0, atol=1e-5)


def test_the_largest_entry_of_each_axis_is_positive() -> None:
    _, components, _ = principal_components(digits()[0], D)
    assert (components.amax(1) == components.abs().amax(1)).all()


def test_the_likelihood_s_sigma_is_the_root_mean_squared_error() -> None:
    model, x = fitted(), digits()[0].float() / 255
    error = (model.decoder(model.encode(x).mean) - x).square().mean().sqrt()
    torch.testing.assert_close(model.likelihood.log_sigma.exp(), error, rtol=1e-3, atol=0)
    best = model.loss(x).total
    for change in (-0.1, 0.1):
        model.likelihood.log_sigma += change
        assert model.loss(x).total > best
        model.likelihood.log_sigma -= change


def test_all_components_together_reconstruct_the_image() -> None:
    model, x = fitted(64), digits("test")[0].float() / 255
    torch.testing.assert_close(model.decode(model.encode(x).mean), x, rtol=0, atol=1e-5)


def test_subspace_iteration_gives_the_same_components_for_large_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, _ = digits()
    expected = principal_components(images, D)
    monkeypatch.setattr(models.pca, "PIXELS_EXACT", 0)
    monkeypatch.setattr(models.pca, "SPARE", 16)
    monkeypatch.setattr(models.pca, "AT_ONCE", 1 << 14)
    for found, exact in zip(principal_components(images, D), expected, strict=True):
        torch.testing.assert_close(found, exact, rtol=0, atol=1e-7)


def test_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`images` must hold at least one image. Got none."):
        PCA(PCAConfig((1, 8, 8))).fit(torch.zeros(0, 1, 8, 8, dtype=torch.uint8))
