"""One image in one model, against direct calls of the model and torch.distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from explorer.scene.inspection import encode_item, expected_reconstruction, latent_at, noise, terms
from explorer.scene.loaded import Loaded


@pytest.fixture(autouse=True)
def no_originals(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set is not on this machine, unless a test says so."""
    monkeypatch.setattr(loaded.originals, "start", lambda: None)
    monkeypatch.setattr(loaded.originals, "state", "absent")
    monkeypatch.setattr(loaded.originals, "get", lambda items: [None] * len(items))


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def test_without_the_data_set_the_reconstruction_is_used(loaded: Loaded) -> None:
    found = encode_item(loaded, 7)
    assert found.source == "reconstruction"
    np.testing.assert_array_equal(found.picture, loaded.decoder(loaded.atlas.mean[7:8])[0])


def test_the_original_is_encoded_if_available(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 1)).astype(np.uint8)
    monkeypatch.setattr(loaded.originals, "get", lambda items: [picture])
    found = encode_item(loaded, 7)
    assert found.source == "original"
    with torch.inference_mode():
        q = loaded.decoder.model.encode(tensor(picture))
    np.testing.assert_allclose(found.mean, q.mean[0], atol=1e-5)
    np.testing.assert_allclose(found.std, q.std[0], atol=1e-5)
    np.testing.assert_array_equal(found.scale, found.std)


def test_binarised_images_are_drawn_the_same_each_time(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        loaded.decoder.model.likelihood,
        "prepare",
        lambda x, generator: torch.bernoulli(x, generator=generator),
    )
    one, two, other = (encode_item(loaded, item).picture for item in (7, 7, 8))
    assert set(np.unique(one)) <= {0, 255}
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_noise_is_zero_or_a_draw_with_single_dimensions_set(loaded: Loaded) -> None:
    found = encode_item(loaded, 3)
    assert noise(found, None, {}).tolist() == [0.0] * 6
    drawn = noise(found, 5, {})
    np.testing.assert_array_equal(drawn, noise(found, 5, {}))
    assert not np.array_equal(drawn, noise(found, 6, {}))
    turned = noise(found, 5, {2: -1.5})
    assert turned[2] == -1.5
    np.testing.assert_array_equal(np.delete(turned, 2), np.delete(drawn, 2))
    np.testing.assert_allclose(latent_at(found, turned), found.mean + found.std * turned)
    with pytest.raises(ValueError, match=r"`turn` must name dimensions of 0..5. Got 6"):
        noise(found, None, {6: 1.0})
    with pytest.raises(ValueError, match=r"`item` must be one of 0..299"):
        encode_item(loaded, 300)


def test_terms_are_the_models_and_torchs(loaded: Loaded) -> None:
    found = encode_item(loaded, 3)
    z = latent_at(found, noise(found, 1, {0: 2.0}))
    costs = terms(loaded, found, z)
    code = torch.from_numpy(z)
    with torch.inference_mode():
        expected = float(loaded.decoder.model.nll(code[None], tensor(found.picture)))
    assert costs.reconstruction == pytest.approx(expected, rel=1e-5)
    log_q = Normal(torch.from_numpy(found.mean), torch.from_numpy(found.std)).log_prob(code).sum()
    log_p = Normal(torch.zeros(6), 1.0).log_prob(code).sum()
    assert costs.log_q == pytest.approx(float(log_q), rel=1e-4)
    assert costs.log_p == pytest.approx(float(log_p), rel=1e-4)
    assert costs.log_weight == pytest.approx(-expected + float(log_p - log_q), rel=1e-4)


def test_expected_reconstruction_is_a_mean_over_the_posterior(loaded: Loaded) -> None:
    found = encode_item(loaded, 3)
    mean, error = expected_reconstruction(loaded, found, samples=40)
    eps = np.random.default_rng(0).standard_normal((40, 6))
    each = [terms(loaded, found, latent_at(found, row.astype(np.float32))).reconstruction for row in eps]
    assert mean == pytest.approx(np.mean(each), rel=1e-5)
    assert error == pytest.approx(np.std(each, ddof=1) / np.sqrt(40), rel=1e-2)
