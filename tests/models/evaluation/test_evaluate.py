"""Tests of the measurements against independent references, on all images of more than one batch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from models import Autoencoder, checkpoint, load
from models.beta_vae import BetaVAE, BetaVAEConfig
from models.data import ImageData, load_data
from models.data.tensors import to_tensor
from models.evaluation.evaluate import Wanted, evaluate
from models.evaluation.importance_sampling import importance_sampled, naive_monte_carlo
from models.evaluation.likelihood import bound, log_likelihood, observed
from models.evaluation.metric import metric, table
from models.evaluation.reconstruction import posterior_means, reconstruct, reconstruction, restoration
from models.evaluation.units import active_units, sparsity
from models.k_sparse_ae import KSparseAE, KSparseAEConfig
from models.sparse_ae import SparseAE, SparseAEConfig
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
    monkeypatch.setattr("models.data.tensors.BATCH", 16)


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
    monkeypatch.setattr(
        "models.evaluation.reconstruction.reconstruct", lambda model, images: images.astype(np.float32) / 255
    )
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
    if name == "frey-faces":  # the padding is no part of a face
        truth, pictures = truth[:, :, 4:24], pictures[:, :, 4:24]
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
    assert all(metric["unit"] == "nats/image" for metric in found.values())


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


QUICK = {
    "mse",
    "squared_error",
    "psnr",
    "ssim",
    "restored_error",
    "loss",
    "elbo",
    "reconstruction",
    "kl",
    "active_units",
}


def test_evaluate_is_repeatable_and_keeps_metrics_in_the_card_when_asked(copy_of_tiny: Path) -> None:
    first = evaluate(copy_of_tiny, limit=20, command="measured so")
    assert checkpoint.read(copy_of_tiny).card.metrics == {}  # type: ignore[union-attr]
    assert first == evaluate(copy_of_tiny, limit=20, command="measured so", write=True)
    entry = checkpoint.read(copy_of_tiny)
    assert entry.card is not None and entry.card.metrics == first
    assert set(first) == QUICK
    assert all(metric["command"] == "measured so" for metric in first.values())
    lines = table(first).splitlines()
    assert len(lines) == len(QUICK) and lines[0].startswith("mse ") and "per pixel" in lines[0]


def test_evaluate_measures_what_is_wanted(tiny_checkpoint: Path) -> None:
    found = evaluate(tiny_checkpoint, Wanted(samples=7, probe=True), limit=20)
    assert set(found) == {*QUICK, "nll", "nll_naive", "probe_error_digit"}


@pytest.mark.parametrize("likelihood", ["bernoulli", "binarised-bernoulli"])
def test_the_elbo_and_the_log_likelihood_are_of_the_same_pixels(data: ImageData, likelihood: str) -> None:
    torch.manual_seed(2)
    model = VAE(VAEConfig((1, 8, 8), latent=3, width=4, likelihood=likelihood)).eval()
    x = torch.cat(list(observed(model, data)))
    drawn = likelihood == "binarised-bernoulli"
    assert bool((x == x.round()).all()) is drawn
    assert torch.equal(torch.cat(list(observed(model, data))), x), "drawn once"
    found, terms = log_likelihood(model, data, 200), bound(model, data)
    nll = -importance_sampled(model, x, 200).values
    assert found["nll"]["value"] == pytest.approx(nll.mean().item(), abs=1e-5)
    assert found["nll"]["error"] == pytest.approx(nll.std().item() / 40**0.5, abs=1e-5)
    assert found["nll_naive"]["value"] == pytest.approx(-naive_monte_carlo(model, x, 200).mean, abs=1e-5)
    assert -terms["elbo"]["value"] == pytest.approx(
        terms["reconstruction"]["value"] + terms["kl"]["value"], abs=1e-4
    )
    assert -2 < -terms["elbo"]["value"] - found["nll"]["value"] < 5
    pixels = "pixels drawn as 0 or 1" if drawn else "grey pixels taken as probabilities"
    for each in (*found.values(), terms["elbo"]):
        assert pixels in each["protocol"] and "digits test, 40 images, seed 0" in each["protocol"]
    assert "importance sampling, 200 samples" in found["nll"]["protocol"]


def test_a_weighed_kl_changes_the_loss_but_not_the_elbo(data: ImageData) -> None:
    torch.manual_seed(3)
    model = BetaVAE(BetaVAEConfig((1, 8, 8), latent=3, width=4, beta=10.0)).eval()
    found = bound(model, data)
    total = found["reconstruction"]["value"] + found["kl"]["value"]
    assert -found["elbo"]["value"] == pytest.approx(total, abs=1e-4)
    assert found["loss"]["value"] == pytest.approx(total + 9 * found["kl"]["value"], abs=1e-3)


def test_half_masked_images_are_compared_with_whole_ones(model: VAE, data: ImageData) -> None:
    masked, generator = [], torch.Generator().manual_seed(0)
    for start in range(0, 40, 16):
        x = to_tensor(data.images[start : start + 16])
        masked.append(x * (torch.rand(len(x), 1, 8, 8, generator=generator) < 0.5))
    part, whole = torch.cat(masked), to_tensor(data.images)
    assert 0.45 < float((part == 0)[whole > 0].double().mean()) < 0.55
    with torch.no_grad():
        error = (model.decode(model.encode(part).mean) - whole).square().flatten(1).sum(1).mean()
    found = restoration(model, data)["restored_error"]
    assert found["value"] == pytest.approx(error.item(), rel=1e-5)


def test_the_squared_error_is_of_a_whole_image(model: VAE, data: ImageData) -> None:
    found = reconstruction(model, data)
    assert found["squared_error"]["value"] == pytest.approx(64 * found["mse"]["value"], abs=1e-4)


def test_sparse_codes_are_counted(data: ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(4)
    sparse = KSparseAE(KSparseAEConfig((1, 8, 8), latent=20, width=4, k=3)).eval()
    found = sparsity(sparse, data)
    z = posterior_means(sparse, data.images)
    assert found["active_codes"]["value"] == 3 and found["active_codes"]["unit"] == "of 20 units"
    assert (
        found["dead_units"]["value"] == pytest.approx(100 * (z == 0).all(0).mean()) and (z == 0).all(0).any()
    )
    assert found["mean_activation"]["value"] == pytest.approx(z.mean(), abs=1e-6)
    positive = SparseAE(SparseAEConfig((1, 8, 8), latent=5, width=4)).eval()
    assert set(sparsity(positive, data)) == {"mean_activation", "dead_units"}
    plain = VAE(VAEConfig((1, 8, 8), latent=5, width=4)).eval()
    assert sparsity(plain, data) == {}


def test_a_metric_that_is_not_a_number_stops_the_evaluation() -> None:
    with pytest.raises(ValueError, match=r"must be finite\. Got nan"):
        metric(float("nan"), "nats/image", "a test")


def other_seed(folder: Path, seed: int, **changes: Any) -> Path:
    """A copy of a checkpoint that says it is another run."""
    copy = Path(shutil.copytree(folder, folder.parent / f"{folder.name}-seed{seed}"))
    text = json.loads((copy / "card.json").read_text())
    text["training"]["seed"] = seed
    (copy / "card.json").write_text(json.dumps(text | {"name": copy.name} | changes))
    return copy


def test_runs_of_other_seeds_give_their_values(copy_of_tiny: Path) -> None:
    runs = [other_seed(copy_of_tiny, seed) for seed in (1, 2)]
    found = evaluate(copy_of_tiny, seeds=runs, limit=20, command="all three", write=True)
    alone = evaluate(copy_of_tiny, limit=20, command="alone")
    for name, one in found.items():
        assert one["values"] == [alone[name]["value"]] * 3 and one["value"] == alone[name]["value"]
        assert one["protocol"] == alone[name]["protocol"] + "; runs of seeds 0, 1, 2"
    evaluate(copy_of_tiny, limit=20, command="again", write=True)
    card = checkpoint.read(copy_of_tiny).card
    assert card is not None and card.metrics == found, "the same metrics keep their seeds"
    evaluate(copy_of_tiny, limit=10, command="others", write=True)
    card = checkpoint.read(copy_of_tiny).card
    assert card is not None and "values" not in card.metrics["mse"]


def test_runs_that_differ_by_more_than_their_seed_are_refused(copy_of_tiny: Path) -> None:
    same = other_seed(copy_of_tiny, 0)
    with pytest.raises(ValueError, match=r"of different seeds. Got the seeds \[0, 0\]"):
        evaluate(copy_of_tiny, seeds=[same], limit=2)
    config = checkpoint.read(copy_of_tiny).card.config | {"sigma": 0.2}  # type: ignore[union-attr]
    another = other_seed(copy_of_tiny, 5, config=config)
    with pytest.raises(ValueError, match="tiny-vae-seed5 has another `config` than tiny-vae"):
        evaluate(copy_of_tiny, seeds=[another], limit=2)


def test_a_run_of_before_a_field_was_added_is_of_the_same_training(copy_of_tiny: Path) -> None:
    config = dict(checkpoint.read(copy_of_tiny).card.config)  # type: ignore[union-attr]
    del config["neck"]  # which has a default
    older = other_seed(copy_of_tiny, 1, config=config)
    assert "values" in evaluate(copy_of_tiny, seeds=[older], limit=20)["mse"]


def test_a_limit_must_be_positive(tiny_checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="`limit` must be an integer of at least 1"):
        evaluate(tiny_checkpoint, limit=0)


def test_metrics_of_weights_that_changed_meanwhile_are_not_kept(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object) -> dict[str, Any]:
        checkpoint.pack(copy_of_tiny)
        return {"mse": metric(1.0, "", "")}

    monkeypatch.setattr("models.evaluation.evaluate.measure", measured)
    with pytest.raises(ValueError, match="changed while they were measured, so the metrics are not stored"):
        evaluate(copy_of_tiny, write=True)
    entry = checkpoint.verify(checkpoint.read(copy_of_tiny))
    assert entry.error is None and entry.card is not None and entry.card.metrics == {}


def test_only_some_stages_are_measured_and_the_other_metrics_stay(copy_of_tiny: Path) -> None:
    evaluate(copy_of_tiny, limit=20, write=True)
    before = checkpoint.read(copy_of_tiny).card.metrics  # type: ignore[union-attr]
    found = evaluate(copy_of_tiny, Wanted(only=("reconstruction",)), limit=30, write=True)
    assert list(found) == ["mse", "squared_error", "psnr", "ssim"]
    after = checkpoint.read(copy_of_tiny).card.metrics  # type: ignore[union-attr]
    assert after == before | found and after["ssim"] != before["ssim"]


def test_choices_are_made_on_the_validation_split(copy_of_tiny: Path) -> None:
    found = evaluate(copy_of_tiny, Wanted(split="validation", only=("reconstruction",)), limit=30)
    data = load_data("digits", "validation", limit=30)
    assert found["mse"]["value"] == reconstruction(load(copy_of_tiny), data)["mse"]["value"]
    assert "digits validation, 30 images" in found["mse"]["protocol"]


def test_runs_beside_a_checkpoint_keep_their_metrics_under_a_label(
    copy_of_tiny: Path, tmp_path: Path
) -> None:
    runs = [Path(shutil.copytree(copy_of_tiny, tmp_path / f"run{seed}")) for seed in (3, 4)]
    for seed, run in zip((3, 4), runs, strict=True):
        values = json.loads((run / "card.json").read_text()) | {"name": run.name, "command": "train it"}
        values["training"]["seed"] = seed
        (run / "card.json").write_text(json.dumps(values))
    wanted = Wanted(only=("reconstruction",))
    found = evaluate(copy_of_tiny, wanted, beside={"other": runs}, limit=20, write=True)
    one = found["mse_other"]
    assert one["values"] == [found["mse"]["value"]] * 2 and one["trained"] == "train it"
    count = sum(values.numel() for values in load(copy_of_tiny).state_dict().values())
    assert f"; vae of {count:,} numbers; " in one["protocol"] and one["protocol"].endswith("seeds 3, 4")
    assert checkpoint.read(copy_of_tiny).card.metrics["ssim_other"] == found["ssim_other"]  # type: ignore[union-attr]
