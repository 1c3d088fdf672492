"""Tests of the VQ-VAE: codes and pictures agree, its bound is valid, its prior does not affect the autoencoder."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from models import load
from models.layers.quantiser import UPDATES
from models.training.log import CURVES
from models.training.train import Run, train
from models.vq_vae import VQVAE, VQVAEConfig

SMALL: dict[str, Any] = {
    "latent": 3,
    "codebook": 8,
    "halvings": 1,
    "width": 4,
    "prior_width": 8,
    "prior_depth": 1,
}


def vq_vae(**settings: Any) -> VQVAE:
    torch.manual_seed(0)
    return VQVAE(VQVAEConfig((1, 8, 8), **(SMALL | settings))).eval()


def images(count: int = 6) -> Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(7))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def trained(**settings: Any) -> VQVAE:
    """Builds a model and trains it for a few steps, so that codes differ between positions."""
    model = vq_vae(**settings).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(5):
        optimizer.zero_grad()
        model.loss(images(), generator=seeded(step)).total.backward()
        optimizer.step()
    return model.eval()


def test_codes_embed_and_decode_agree() -> None:
    model, x = trained(), images()
    codes, z = model.codes(x), model.encode(x).mean
    assert [each.shape for each in codes] == [(6, 4, 4)] and codes[0].dtype == torch.long
    assert len(codes[0].unique()) > 1
    assert not torch.equal(
        model.embed(codes), z
    )  # the latent is what the encoder gives, before it is quantised
    assert torch.equal(model.decode(model.embed(codes)), model.decode(z))
    assert torch.equal(model.nearest(z)[0], codes[0]) and torch.equal(
        model.nearest(model.embed(codes))[0], codes[0]
    )
    (vectors,) = model.codebooks()
    assert vectors.shape == (8, 3)
    assert torch.equal(model.embed(codes).reshape(6, 3, 4, 4)[2, :, 1, 3], vectors[codes[0][2, 1, 3]])
    changed = codes[0].clone()
    changed[:, 1, 2] = (changed[:, 1, 2] + 1) % 8
    assert not torch.equal(model.decode(model.embed([changed])), model.decode(z))


def test_the_latent_is_the_flattened_grid() -> None:
    model = vq_vae()
    (level,) = model.spec.levels
    assert model.spec.discrete and level.shape == (3, 4, 4) and model.spec.shape == (48,)
    z = model.encode(images()).mean
    assert torch.equal(z.view(-1, *level.shape), model.encoder(images()))


@pytest.mark.parametrize("update", UPDATES)
def test_the_loss_is_the_sum_of_its_explicit_terms(update: str) -> None:
    model, x = trained(likelihood="gaussian", sigma=0.2, update=update, commitment=0.5), images()
    loss = model.loss(x)
    z, codes = model.encoder(x), model.codes(x)
    e = model.embed(codes).view_as(z)
    pictures = model.decoder(e).double()
    expected = {
        "reconstruction": -Normal(pictures, 0.2).log_prob(x.double()).sum((1, 2, 3)).mean(),
        "commitment": 0.5 * (z - e).square().sum((1, 2, 3)).mean(),
        "kl": model.prior(0).nll(codes[0]).mean(),
    }
    if update == "gradient":
        expected["codebook"] = (z - e).square().sum((1, 2, 3)).mean()
    assert set(loss.terms) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(loss.terms[name], value, check_dtype=False, rtol=1e-5, atol=1e-4, msg=name)
    torch.testing.assert_close(loss.total, sum(loss.terms.values()))


def test_the_bound_lies_below_the_likelihood_summed_over_all_codes() -> None:
    """With two codes at four positions, p(x) is a sum of sixteen terms, of which the bound has one."""
    model, x = trained(codebook=2, halvings=2, likelihood="gaussian", sigma=0.5), images()
    every = torch.tensor(list(itertools.product(range(2), repeat=4))).view(-1, 2, 2)
    with torch.no_grad():
        z = model.embed([every])
        joint = torch.stack([-model.nll(z, each.expand(16, -1, -1, -1)) for each in x])
        log_p = (joint - model.prior(0).nll(every)).logsumexp(1)
        (code_nll,) = model.code_nll(model.codes(x))
        bound = -model.nll(model.encode(x).mean, x) - code_nll
    assert (bound < log_p).all() and (bound > log_p - 4 * math.log(2) * 30).all()


def test_the_prior_learns_beside_the_autoencoder_and_changes_nothing_in_it() -> None:
    with_prior, without = trained(), trained(prior_depth=0)
    ours, theirs = with_prior.state_dict(), without.state_dict()
    assert all(torch.equal(ours[name], values) for name, values in theirs.items())
    assert {name.split(".")[0] for name in ours.keys() - theirs.keys()} == {"priors"}
    fresh = vq_vae().state_dict()
    assert any(not torch.equal(ours[name], fresh[name]) for name in ours if name.startswith("priors"))
    with_prior.zero_grad()
    with_prior.train().loss(images()).terms["kl"].backward()
    reached = {
        name for name, p in with_prior.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0
    }
    assert reached == {name for name, _ in with_prior.named_parameters() if name.startswith("priors")}


def test_without_a_prior_there_is_neither_bound_nor_sample() -> None:
    model = vq_vae(prior_depth=0)
    assert not model.spec.prior and model.spec.likelihood == "none" and "kl" not in model.loss(images()).terms
    for ask in (lambda: model.sample(1), lambda: model.code_nll(model.codes(images()))):
        with pytest.raises(
            ValueError, match=r"VQVAE has no prior to sample from .* `prior_depth` of at least 1"
        ):
            ask()


def test_samples_are_pictures_of_codes_drawn_from_the_prior() -> None:
    model = trained()
    told: list[tuple[int, int]] = []
    pictures = model.sample(3, seeded(), temperature=0.9, progress=lambda *at: told.append(at))
    codes = model.sample_codes(3, seeded(), temperature=0.9)
    assert torch.equal(pictures, model.decode(model.embed(codes)))
    assert told == [(place, 16) for place in range(1, 17)]
    assert torch.equal(codes[0], model.prior(0).sample(3, generator=seeded(), temperature=0.9))


def test_perplexity_and_usage_are_metrics_apart_from_the_terms() -> None:
    model = vq_vae().train()
    loss = model.loss(images(), generator=seeded())
    codes = model.quantise(images(), type(model.quantiser(0)).forward)[0].codes
    assert set(loss.metrics) == {"perplexity", "codes used"} and not set(loss.metrics) & set(loss.terms)
    assert 1 <= loss.metrics["perplexity"] <= 8 and 0 < loss.metrics["codes used"] <= 1
    p = torch.bincount(model.eval().codes(images())[0].flatten(), minlength=8) / codes.numel()
    expected = torch.distributions.Categorical(p).entropy().exp()
    torch.testing.assert_close(model.loss(images()).metrics["perplexity"], expected)


def test_only_training_moves_the_codebook() -> None:
    model = vq_vae()
    before = model.quantiser(0).vectors.clone()
    model.loss(images(), generator=seeded())
    assert torch.equal(model.quantiser(0).vectors, before)
    model.train().loss(images(), generator=seeded())
    assert not torch.equal(model.quantiser(0).vectors, before)


def run(**changes: Any) -> Run:
    values: dict[str, Any] = {
        "config": SMALL,
        "epochs": 3,
        "batch": 50,
        "limit": 300,
        "rate_warmup": 4,
        "save_every": 5,
        "rate": 5e-3,
    }
    return Run("vq-vae", "digits", **(values | changes))


@pytest.mark.parametrize(
    ("update", "epochs", "prior_epochs"), [("ema", 3, 0), ("gradient", 3, 0), ("ema", 1, 2), ("ema", 2, 1)]
)
def test_a_resumed_run_is_bitwise_identical(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, update: str, epochs: int, prior_epochs: int
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 2)
    chosen = run(config=SMALL | {"update": update}, epochs=epochs, prior_epochs=prior_epochs)
    train(chosen, tmp_path / "whole", device=torch.device("cpu"))

    def stop(step: int, steps: int, terms: dict[str, float]) -> None:
        if step > 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(chosen, tmp_path / "cut", device=torch.device("cpu"), report=stop)
    train(chosen, tmp_path / "cut", device=torch.device("cpu"), resume=True)
    for name in (CURVES, "weights.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert load(tmp_path / "cut").sample(2, seeded()).shape == (2, 1, 8, 8)


def test_in_prior_epochs_only_the_prior_is_trained_on_fixed_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 1)
    cpu = torch.device("cpu")
    card = train(run(epochs=2, prior_epochs=3), tmp_path / "both", device=cpu)
    train(run(epochs=2, config=SMALL | {"prior_depth": 0}), tmp_path / "alone", device=cpu)
    both, alone = load(tmp_path / "both").state_dict(), load(tmp_path / "alone").state_dict()
    assert all(torch.equal(both[name], values) for name, values in alone.items() if "likelihood" not in name)
    lines = [json.loads(line) for line in (tmp_path / "both" / CURVES).read_text().splitlines()]
    assert card.training["steps"] == len(lines) == 5 * 6 and card.training["prior_epochs"] == 3
    flat = 16 * math.log(8)
    assert all(line["kl"] == pytest.approx(flat) for line in lines[:12])
    assert lines[-1]["kl"] < lines[12]["kl"] < 1.5 * flat and lines[-1]["kl"] < 0.95 * flat


def test_prior_epochs_need_a_prior(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"VQVAE has no prior to sample from .* `prior_depth` of at least 1"):
        train(run(config=SMALL | {"prior_depth": 0}, prior_epochs=1), tmp_path / "run")
    with pytest.raises(
        ValueError, match="`prior_epochs` must be 0: VAE has no prior that can be trained separately"
    ):
        train(Run("vae", "digits", prior_epochs=1), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"codebook": 1}, r"`codebook` must lie in \[2, 65536\]. Got 1"),
        ({"halvings": 0}, r"`halvings` must lie in \[1, 4\]. Got 0"),
        ({"update": "magic"}, "Unknown update 'magic'. Choose one of: ema, gradient"),
        ({"commitment": -1.0}, "`commitment` must lie in"),
        ({"prior_depth": -1}, "`prior_depth` must lie in"),
        ({"likelihood": "x"}, "Unknown likelihood 'x'"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vq_vae(**settings)
