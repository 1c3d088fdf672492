"""Tests of the flows: exact inverses and densities, training that stays finite, resuming."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from models import MODELS, checkpoint, load
from models.data import load_data
from models.data.tensors import to_tensor
from models.evaluation.evaluate import Wanted, evaluate
from models.evaluation.likelihood import density
from models.evaluation.reconstruction import inverse
from models.evaluation.report import _offered
from models.glow import Glow, GlowConfig
from models.layers.coupling import AffineCoupling
from models.layers.invertible import ActNorm
from models.real_nvp import RealNVP, RealNVPConfig
from models.training.train import Run, train

KINDS = ["real-nvp", "glow"]
SMALL: dict[str, Any] = {
    "real-nvp": {"width": 8, "couplings": 2},
    "glow": {"width": 8, "steps": 2},
}
CPU = torch.device("cpu")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flow(kind: str, shape: tuple[int, int, int] = (1, 8, 8), **settings: Any) -> Any:
    """Builds a flow that is initialised from a batch, with weights that differ from the initial ones."""
    torch.manual_seed(0)
    model = MODELS[kind](MODELS[kind].Config(shape, **(SMALL[kind] | settings))).train()
    model.loss(images(8, shape), generator=seeded())
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.05 * torch.randn(weight.shape, generator=seeded(1))
    return model.eval()


def images(count: int, shape: tuple[int, int, int] = (1, 8, 8)) -> Tensor:
    return torch.randint(0, 256, (count, *shape), generator=seeded(2)) / 255


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 28, 28), (1, 20, 13), (1, 9, 9)])
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_decoding_and_encoding_are_inverse(kind: str, shape: tuple[int, int, int]) -> None:
    model, x = flow(kind, shape), images(4, shape)
    z = model.encode(x).mean
    torch.testing.assert_close(model.decode(z), x, rtol=0, atol=1e-4)
    pictures = model.decode(z)
    torch.testing.assert_close(model.encode(pictures).mean, z, rtol=0, atol=1e-2)  # 1e-4 of a pixel in logits
    model = model.double()
    free = 0.5 * torch.randn(4, model.spec.size, generator=seeded(4), dtype=torch.float64)
    torch.testing.assert_close(model.flow(model.flow.inverse(free))[0], free, rtol=0, atol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"levels": 1}, {"dequantisation": "variational"}])
@pytest.mark.parametrize("kind", KINDS)
def test_the_log_density_is_that_of_autograd_s_jacobian(kind: str, settings: dict[str, Any]) -> None:
    model, x = flow(kind, **settings).double(), images(2).double()
    found = model.log_prob(x)
    assert found.shape == (2,)
    for image, log_p in zip(x, found, strict=True):
        v = (255 * image + 0.5)[None]
        jacobian = torch.autograd.functional.jacobian(lambda v: model.flow(v)[0], v).view(64, 64)
        expected = Normal(0.0, 1.0).log_prob(model.flow(v)[0]).sum() + jacobian.slogdet().logabsdet
        torch.testing.assert_close(log_p, expected, rtol=1e-6, atol=1e-6)


def test_untrained_the_density_is_a_logistic_normal_per_grey_level() -> None:
    model = RealNVP(RealNVPConfig((1, 8, 8), width=4)).double().eval()
    x = images(3).double()
    p = 5e-6 + (1 - 1e-5) * (255 * x + 0.5) / 256
    slope = (1 - 1e-5) / 256 / (p * (1 - p))
    expected = (Normal(0.0, 1.0).log_prob(p.logit()) + slope.log()).sum((1, 2, 3))
    torch.testing.assert_close(model.log_prob(x), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_negative_log_density_of_dequantised_images(kind: str) -> None:
    model, x = flow(kind), images(5)
    found = model.loss(x, generator=seeded(7))
    u = torch.rand(x.shape, generator=seeded(7))
    torch.testing.assert_close(found.total, -model.density(255 * x + u).mean(), rtol=1e-6, atol=1e-3)
    assert set(found.terms) == {"latent", "volume", "noise"} and found.terms["noise"].item() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_variational_noise_adds_its_log_density(kind: str) -> None:
    model, x = flow(kind, dequantisation="variational"), images(5)
    found = model.loss(x, generator=seeded(7))
    u, log_q = model.dequantise(x, seeded(7))
    expected = (log_q - model.density(255 * x + u)).mean()
    torch.testing.assert_close(found.total, expected, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_training_stays_finite_for_every_seed(kind: str, seed: int, tmp_path: Path) -> None:
    run = Run(
        kind,
        "digits",
        SMALL[kind] | {"dequantisation": "variational", "levels": 2},
        epochs=2,
        batch=16,
        limit=256,
        rate=5e-3,
        rate_warmup=8,
        optimizer="adamax",
        seed=seed,
    )
    told: list[float] = []
    train(run, tmp_path / "run", device=CPU, report=lambda step, steps, terms: told.append(terms["loss"]))
    assert told[-1] < told[0] - 10 and all(math.isfinite(each) for each in told)
    model = load(tmp_path / "run")
    assert all(layer.initialised for layer in model.modules() if isinstance(layer, ActNorm))
    x = to_tensor(load_data("digits", "test", limit=20).images)
    torch.testing.assert_close(model.decode(model.encode(x).mean), x, rtol=0, atol=1e-4)
    assert model.sample(2, seeded()).isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_is_not_initialised_again_in_training(kind: str, tmp_path: Path) -> None:
    model, x = flow(kind), images(6)
    checkpoint.write(tmp_path / "flow", model, model_name=kind, data={"name": "digits"})
    loaded = load(tmp_path / "flow")
    loaded.train().loss(0.1 * x, generator=seeded())  # ActNorm must not begin anew
    for one, other in (
        (loaded.encode(x).mean, model.encode(x).mean),
        (loaded.log_prob(x), model.log_prob(x)),
    ):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_training_is_bitwise_identical(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(kind, "digits", SMALL[kind], epochs=2, batch=32, limit=128, save_every=3, optimizer="adamax")
    monkeypatch.setattr("models.training.loop.LOG_EVERY", 1)
    train(run, tmp_path / "whole", device=CPU)

    def stop(step: int, steps: int, terms: dict[str, float]) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run, tmp_path / "stopped", device=CPU, report=stop)
    train(run, tmp_path / "stopped", device=CPU, resume=True)
    for name in ("weights.safetensors", "curves.jsonl"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_changes_the_loss_little_and_no_log_determinant(kind: str) -> None:
    model, x = flow(kind, dequantisation="variational"), images(16)
    full = model.loss(x, generator=seeded())
    with torch.autocast("cpu", torch.bfloat16):
        half = model.loss(x, generator=seeded())
        z = model.encode(x).mean
    assert half.total.dtype == half.terms["volume"].dtype == z.dtype == torch.float32
    assert half.total.item() == pytest.approx(full.total.item(), rel=0.02)


def test_the_half_that_glow_factors_out_is_standardised_by_the_other_half() -> None:
    model = Glow(GlowConfig((1, 8, 8), width=4))
    for number, level in enumerate(model.flow.levels):
        last = number == len(model.flow.levels) - 1
        assert isinstance(level.layers[-1], ActNorm if last else AffineCoupling)
        if not last:
            x = torch.randn(2, *level.layers[-1].mask.shape, generator=seeded())
            stays = x.shape[1] // 2
            with torch.no_grad():
                level.layers[-1].network[-1].bias.fill_(0.5)
            y = level.layers[-1](x)[0]
            assert torch.equal(y[:, :stays], x[:, :stays]) and (y[:, stays:] != x[:, stays:]).all()


@pytest.mark.parametrize(
    ("kind", "shape", "levels"),
    [
        ("glow", (1, 28, 28), [(4, 7, 7), (4, 7, 7), (2, 14, 14)]),
        ("real-nvp", (1, 28, 28), [(4, 7, 7), (4, 7, 7), (2, 14, 14)]),
        ("glow", (1, 20, 13), [(1, 5, 13), (1, 5, 13), (1, 10, 13)]),
        ("glow", (1, 9, 9), [(1, 9, 9)]),
        ("glow", (3, 64, 64), [(48, 8, 8), (12, 16, 16), (6, 32, 32)]),
    ],
)
def test_levels_of_even_and_odd_sizes(kind: str, shape: Any, levels: list[Any]) -> None:
    model = MODELS[kind](MODELS[kind].Config(shape, width=2))
    assert [level.shape for level in model.spec.levels] == levels
    assert [level.name for level in model.spec.levels] == [f"level {n + 1}" for n in range(len(levels))]


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_the_coarsest_level_is_first_and_affects_most_pixels(kind: str) -> None:
    """A dimension of the coarsest level affects more pixels than one of the finest."""
    model = flow(kind, (1, 32, 32))
    z = model.encode(images(1, (1, 32, 32))).mean
    before, changed = model.decode(z), []
    for place in (0, z.shape[1] - 1):
        other = z.clone()
        other[0, place] += 1
        changed.append(int(((model.decode(other) - before).abs() > 1e-4).sum()))
    assert changed[0] > changed[1] > 0


@pytest.mark.parametrize("dequantisation", ["uniform", "variational"])
def test_bits_per_dimension(dequantisation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.data.tensors.BATCH", 16)
    model, data = flow("glow", dequantisation=dequantisation), load_data("digits", "test", limit=40)
    found, generator, total = density(model, data), seeded(), 0.0
    with torch.no_grad():
        for start in range(0, 40, 16):
            x = to_tensor(data.images[start : start + 16])
            u, log_q = model.dequantise(x, generator)
            total += (log_q - model.density(255 * x + u)).sum().item()
    assert found["bits_per_dim"]["value"] == pytest.approx(total / 40 / 64 / math.log(2), rel=1e-5)
    assert found["loss"]["value"] == pytest.approx(total / 40, rel=1e-5)
    about = f"1 draw of noise an image, 256 grey levels with {dequantisation} noise, digits test, 40 images, seed 0"
    assert found["bits_per_dim"]["protocol"] == about and found["bits_per_dim"]["unit"] == "bits/dim"


def test_the_error_of_the_inverse_is_the_worst_of_all_pixels() -> None:
    class Off(Glow):
        def decode(self, z: Tensor) -> Tensor:
            pictures = super().decode(z)
            pictures[-1, 0, 0, 0] += 0.25
            return pictures

    torch.manual_seed(0)
    found = inverse(Off(GlowConfig((1, 8, 8), width=4)).eval(), load_data("digits", "test", limit=9))
    assert found["inverse_error"]["value"] == pytest.approx(0.25, abs=1e-5)


def test_a_checkpoint_is_measured_by_what_a_flow_has(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "glow", flow("glow"), model_name="glow", data={"name": "digits"})
    found = evaluate(tmp_path / "glow", limit=30)
    assert set(found) == {"bits_per_dim", "loss", "latent", "volume", "noise", "inverse_error"}
    assert _offered(checkpoint.read(tmp_path / "glow"), Wanted(samples=5), 30).samples is None
    with pytest.raises(ValueError, match="`samples` must be left out: Glow computes log p"):
        evaluate(tmp_path / "glow", Wanted(samples=5), limit=30)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": 0}, r"`levels` must lie in \[1, 6\]. Got 0"),
        ({"width": 0}, "`width` must lie in"),
        ({"steps": 65}, "`steps` must lie in"),
        ({"dequantisation": "none"}, "Unknown dequantisation 'none'. Choose one of: uniform, variational"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GlowConfig((1, 8, 8), **settings)


def test_wrong_couplings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`couplings` must lie in \[1, 32\]. Got 0"):
        RealNVPConfig((1, 8, 8), couplings=0)
