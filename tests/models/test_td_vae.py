"""Tests of TD-VAE: its densities and its explicit loss, causality of the belief, jumps, rollouts, and training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence

from models import load
from models.card import WEIGHTS
from models.td_vae import TDVAE, Gaussian, TDVAEConfig, TwoLayers, to_integers
from models.training.log import CURVES
from models.training.train import Run, train
from models.vae import LOG_STD_RANGE, soft_clamp

CPU = torch.device("cpu")
SMALL = {
    "latent": 5,
    "network": "mlp",
    "width": 8,
    "belief": 6,
    "features": 7,
    "hidden": 4,
    "jump": 3,
    "pairs": 2,
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def td_vae(**settings: Any) -> TDVAE:
    torch.manual_seed(0)
    return TDVAE(TDVAEConfig((1, 8, 8), **(SMALL | settings))).eval()


def sequences(count: int = 3, length: int = 6) -> Tensor:
    return torch.rand(count, length, 1, 8, 8, generator=seeded(7))


def gaussian(seed: int, std: float = 1.0) -> Gaussian:
    mean, scale = torch.randn(2, 9, 4, generator=seeded(seed), dtype=torch.float64)
    return Gaussian(mean, std * scale.exp())


def test_densities_are_those_of_torch_distributions() -> None:
    one, other, z = gaussian(1), gaussian(2), torch.randn(9, 4, generator=seeded(3), dtype=torch.float64)
    a, b = Normal(one.mean, one.std), Normal(other.mean, other.std)
    torch.testing.assert_close(one.log_prob(z), a.log_prob(z).sum(1))  # with -1/2 eps^2
    torch.testing.assert_close(one.kl(other), kl_divergence(a, b).sum(1))
    assert not one.log_prob(z).isclose(one.log_prob(one.mean)).any()


def test_samples_follow_their_gaussian() -> None:
    one = Gaussian(
        torch.tensor([[2.0, -1.0]]).expand(20_000, 2), torch.tensor([[0.5, 3.0]]).expand(20_000, 2)
    )
    z = one.sample(seeded())
    torch.testing.assert_close(z.mean(0), one.mean[0], rtol=0, atol=0.06)
    torch.testing.assert_close(z.std(0), one.std[0], rtol=0.03, atol=0)


def test_two_layers_are_drawn_top_down_and_their_density_is_a_product() -> None:
    torch.manual_seed(0)
    layers = TwoLayers(3, (2, 3), 4)
    c, origin = torch.randn(5, 3, generator=seeded(1)), torch.randn(5, 5, generator=seeded(2))
    z, both = layers(c, seeded(3), origin=origin)
    top_mean, top_log = layers.top(c)
    bottom_mean, bottom_log = layers.bottom(torch.cat([z[:, :2], c], 1))
    top = Normal(top_mean + origin[:, :2], top_log.exp())
    bottom = Normal(bottom_mean + origin[:, 2:], bottom_log.exp())
    expected = top.log_prob(z[:, :2]).sum(1) + bottom.log_prob(z[:, 2:]).sum(1)
    torch.testing.assert_close(both.log_prob(z), expected)
    again, same = layers(c, origin=origin, at=z)
    assert torch.equal(again, z) and torch.equal(same.mean, both.mean) and torch.equal(same.std, both.std)
    mean, given = layers(c, origin=origin, means=True)
    assert torch.equal(mean, given.mean) and torch.equal(mean[:, :2], top.mean)
    other, _ = layers(c, seeded(4), origin=origin)
    assert not torch.equal(layers(c, origin=origin, at=other)[1].mean[:, 2:], both.mean[:, 2:])


def test_the_map_is_that_of_the_paper() -> None:
    torch.manual_seed(0)
    block, c = TwoLayers(3, (2, 3), 4).top, torch.randn(5, 3, generator=seeded(1))
    w1, w2, w3 = block.value, block.gate, block.out
    hidden = torch.tanh(c @ w1.weight.T + w1.bias) / (1 + torch.exp(-(c @ w2.weight.T + w2.bias)))
    mean, log_std = (hidden @ w3.weight.T + w3.bias).chunk(2, 1)
    torch.testing.assert_close(block(c)[0], mean)
    torch.testing.assert_close(block(c)[1], soft_clamp(log_std, *LOG_STD_RANGE))


def test_every_term_of_the_loss_by_hand() -> None:
    """Computes each term with torch.distributions, row by row, from the maps of the model and the same noise."""
    model, x = td_vae(), sequences()
    loss = model.loss(x, generator=seeded(5), warmup=0.5)

    def normal(layers: TwoLayers, context: Tensor, z: Tensor, origin: Tensor | float = 0.0) -> Normal:
        top, top_log = layers.top(context)
        bottom, bottom_log = layers.bottom(torch.cat([z[:, :2], context], 1))
        mean = torch.cat([top, bottom], 1) + origin
        return Normal(mean, torch.cat([top_log, bottom_log], 1).exp())

    noise = seeded(5)
    t1, t2 = model.times(3, 6, noise, CPU)
    features = torch.nn.functional.layer_norm(model.encoder(x.flatten(0, 1)), (7,))
    states = torch.cat([model.recurrence(features.view(3, 6, 7))[0], features.view(3, 6, 7)], 2)
    sums = {"reconstruction": 0.0, "prediction": 0.0, "smoothing": 0.0}
    b1 = torch.stack([states[n % 3, t] for n, t in enumerate(t1)])
    b2 = torch.stack([states[n % 3, t] for n, t in enumerate(t2)])
    z2, _ = model.filtering(b2, noise)
    told = torch.zeros(6, 3)
    told[torch.arange(6), t2 - t1 - 1] = 1
    q_context = torch.cat([b1, b2, z2, told], 1)
    expected = model.filtering(b1, means=True)[0]
    z1, _ = model.smoothing(q_context, noise, origin=expected)
    q, p_b1 = normal(model.smoothing, q_context, z1, expected), normal(model.filtering, b1, z1)
    p_b2, p_t = normal(model.filtering, b2, z2), normal(model.transition, torch.cat([z1, told], 1), z2, z1)
    logits = model.decoder(z2)
    for n in range(6):
        frame = x[n % 3, t2[n]]
        picture = Bernoulli(logits=logits[n], validate_args=False)  # grey pixels are probabilities
        sums["reconstruction"] -= picture.log_prob(frame).sum().item() / 6
        sums["prediction"] += (p_b2.log_prob(z2)[n].sum() - p_t.log_prob(z2)[n].sum()).item() / 6
        sums["smoothing"] += kl_divergence(q, p_b1)[n].sum().item() / 6
    for name, expected in sums.items():
        assert loss.terms[name].item() == pytest.approx(expected, rel=1e-4), name
    total = sums["reconstruction"] + 0.5 * (sums["prediction"] + sums["smoothing"])
    assert loss.total.item() == pytest.approx(total, rel=1e-4)


def test_times_are_uniform_over_jumps_and_positions() -> None:
    model = td_vae(pairs=64)
    t1, t2 = model.times(500, 6, seeded(), CPU)
    assert len(t1) == len(t2) == 32_000 and t1.min() == 0 and t2.max() == 5
    jump = t2 - t1
    assert jump.unique().tolist() == [1, 2, 3]
    for length in (1, 2, 3):
        places = t1[jump == length].bincount().float()
        assert len(places) == 6 - length
        assert len(t1[jump == length]) / 32_000 == pytest.approx(1 / 3, abs=0.02)
        assert (places / places.sum()).sub(1 / len(places)).abs().max() < 0.02
    assert td_vae().times(4, 2, seeded(), CPU)[1].tolist() == [1] * 8  # only one jump fits
    assert to_integers(torch.tensor([1 - 2**-24]), 20).item() == 19


def test_the_belief_at_t_does_not_depend_on_later_frames() -> None:
    model, x = td_vae(), sequences(2).requires_grad_()
    for t in (0, 2, 5):
        (gradient,) = torch.autograd.grad(model.belief(x)[:, t].square().sum(), x)
        moved = gradient.flatten(2).abs().sum(2) > 0
        assert moved[:, : t + 1].all() and not moved[:, t + 1 :].any()
    whole = model.belief(x)
    torch.testing.assert_close(model.belief(x[:, :3]), whole[:, :3])


def test_jumps_depend_on_their_seed_and_length() -> None:
    model = td_vae()
    b = model.belief(sequences())[:, -1]
    z, _ = model.filter(b, seeded(1))
    assert z.shape == (3, 5)
    first, given = model.jump(z, 2, seeded(2))
    assert first.shape == given.mean.shape == given.std.shape == (3, 5)
    assert torch.equal(first, model.jump(z, 2, seeded(2))[0])
    assert not torch.equal(first, model.jump(z, 2, seeded(3))[0])
    assert not torch.equal(first, model.jump(z, 3, seeded(2))[0])
    each = model.jump(z, torch.tensor([2, 3, 2]), seeded(2))[0]
    torch.testing.assert_close(each[::2], first[::2])
    mean, given = model.jump(z, 1, means=True)
    assert torch.equal(mean, given.mean)
    for length in (0, 4):
        with pytest.raises(ValueError, match=rf"`length` must lie in \[1, 3\].* Got {length}"):
            model.jump(z, length)


def test_rollouts_are_jumps_from_the_last_belief() -> None:
    model, x = td_vae(), sequences(2)
    pictures = model.rollout(x, 4, 3, seeded(1), length=2)
    assert pictures.shape == (2, 3, 4, 1, 8, 8) and pictures.min() >= 0 and pictures.max() <= 1
    assert torch.equal(pictures, model.rollout(x, 4, 3, seeded(1), length=2))
    assert not torch.equal(pictures, model.rollout(x, 4, 3, seeded(2), length=2))
    assert len(pictures.flatten(0, 1).flatten(1).unique(dim=0)) == 6
    noise = seeded(1)
    z, _ = model.filter(model.belief(x)[:, -1].repeat_interleave(3, 0), noise)
    for step in range(4):
        z, _ = model.jump(z, 2, noise)
        torch.testing.assert_close(pictures[:, :, step].flatten(0, 1), model.decode(z))
    for name, values in (("steps", (0, 1)), ("samples", (1, 0))):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1. Got 0"):
            model.rollout(x, *values)


def test_a_latent_is_the_mean_of_the_last_belief() -> None:
    model, x = td_vae(), sequences()
    q = model.encode(x)
    assert q.std is None and torch.equal(q.mean, model.filter(model.belief(x)[:, -1], means=True)[0])
    assert not torch.equal(q.mean, model.encode(x[:, :-1]).mean)
    assert model.spec.sequence and not model.spec.prior and model.spec.likelihood == "none"
    assert model.encode(x[:, :1]).mean.shape == (3, 5)  # one frame is a sequence too


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent": 1}, r"`latent` must lie in \[2, 1024\]. Got 1"),
        ({"jump": 0}, r"`jump` must lie in \[1, 64\]. Got 0"),
        ({"pairs": 0}, r"`pairs` must lie in \[1, 64\]. Got 0"),
        ({"belief": 0}, "`belief` must lie in"),
        ({"hidden": 0}, "`hidden` must lie in"),
        ({"features": 4096}, "`features` must lie in"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        td_vae(**settings)


def test_single_images_are_refused() -> None:
    model = td_vae()
    for x in (torch.rand(3, 1, 8, 8), torch.rand(3, 2, 1, 8, 9)):
        with pytest.raises(ValueError, match=r"`frames` must be sequences \(B, T, 1, 8, 8\)\. Got \(3, "):
            model.encode(x)
    with pytest.raises(ValueError, match=r"at least 2 frames\. Got 1"):
        model.loss(sequences(2, 1))


def tiny_run(**changes: Any) -> Run:
    """A training on the 8x8 digits."""
    values: dict[str, Any] = {"epochs": 2, "batch": 40, "limit": 200, "rate_warmup": 3, "save_every": 4}
    config = {"latent": 6, "network": "mlp", "width": 16, "belief": 16, "features": 16, "hidden": 8}
    return Run(
        "td-vae",
        "moving-digits",
        config,
        {"source": "digits", "frames": 7, "noise": 0.1},
        **(values | changes),
    )


class Killed(BaseException):
    """Simulates a kill."""


def test_a_resumed_run_is_bitwise_identical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 1)
    run = tiny_run()
    train(run, tmp_path / "whole", device=CPU)

    def kill(done: int, steps: int, terms: dict[str, float]) -> None:
        if done == 7:
            raise Killed

    with pytest.raises(Killed):
        train(run, tmp_path / "stopped", device=CPU, report=kill)
    train(run, tmp_path / "stopped", device=CPU, resume=True)
    for name in (CURVES, WEIGHTS):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_training_lowers_the_loss_and_the_loaded_model_is_the_trained_one(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    card = train(tiny_run(epochs=12, kl_warmup=0.0, rate=3e-3), tmp_path / "td", device=CPU)
    lines = [json.loads(line) for line in (tmp_path / "td" / CURVES).read_text().splitlines()]
    assert lines[-1]["loss"] < 0.9 * lines[0]["loss"]
    assert {"loss", "reconstruction", "prediction", "smoothing"} <= set(lines[0])
    assert card.data == {"name": "moving-digits", "options": {"source": "digits", "frames": 7, "noise": 0.1}}
    model = load(tmp_path / "td")
    assert isinstance(model, TDVAE) and model.config.belief == 16
    x = sequences(2)
    assert torch.equal(model.rollout(x, 3, 2, seeded()), load(tmp_path / "td").rollout(x, 3, 2, seeded()))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (
            "td-vae",
            "digits",
            "The model 'td-vae' learns from sequences, and 'digits' has images. Choose one of: moving",
        ),
        (
            "vae",
            "moving-digits",
            "The model 'vae' learns from images, and 'moving-digits' has sequences. Choose one",
        ),
        ("pca", "moving-digits", "The model 'pca' learns from images"),
    ],
)
def test_models_and_data_must_fit(model: str, data: str, message: str, tmp_path: Path) -> None:
    options = {"source": "digits"} if data == "moving-digits" else {}
    with pytest.raises(ValueError, match=message):
        train(Run(model, data, {"latent": 4}, options), tmp_path / "x", device=CPU)
    assert not (tmp_path / "x").exists()
