"""Properties of every model, at every size and with every network."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models import MODELS, Autoencoder, checkpoint
from models.card import BUNDLED
from models.configuration import config_from_dict, config_to_dict
from models.layers.likelihoods import LIKELIHOODS
from models.protocols import as_closed_form, as_discrete

SHAPES = [(1, 8, 8), (3, 8, 8), (1, 28, 28), (1, 20, 13), (3, 32, 32), (1, 64, 64), (3, 64, 64)]
SETTINGS: list[dict[str, Any]] = [  # of every model
    {"image_shape": (3, 8, 8), "network": "conv"},
    {"image_shape": (1, 20, 13), "network": "mlp", "likelihood": "gaussian"},
    {"image_shape": (1, 28, 28), "network": "conv", "likelihood": "bernoulli"},
    {"image_shape": (1, 12, 12), "network": "conv", "likelihood": "binarised-bernoulli"},
    {"image_shape": (1, 9, 8), "network": "mlp", "depth": 0},
]
MORE: list[dict[str, Any]] = [  # of the VAE
    {"image_shape": shape, "network": network} for network in ("conv", "mlp") for shape in SHAPES
] + [{"image_shape": (1, 12, 12), "likelihood": likelihood} for likelihood in LIKELIHOODS]
FLOWS: list[dict[str, Any]] = [
    {"image_shape": (1, 9, 9), "dequantisation": "variational"},
    {"image_shape": (3, 16, 12), "dequantisation": "variational"},
    {"image_shape": (1, 8, 8), "levels": 1},
]
SMALL: dict[str, Any] = {
    "latent": 3,
    "width": 4,
    "k": 2,
    "samples": 2,
    "steps": 2,
    "couplings": 2,
    "codebook": 8,
    "halvings": 1,
    "prior_width": 4,
    "prior_depth": 1,
    "belief": 5,
    "features": 6,
    "hidden": 4,
    "jump": 2,
}
LENGTH = 4  # frames of a sequence
FORMER = {
    "faces-vae",
    "fashion-vae",
    "frey-vae-2d",
    "mnist-vae-2d",
    "sprites-vae",
}  # before there was a family


def build(kind: str, **settings: Any) -> Autoencoder:
    """Builds an untrained model in evaluation mode with those settings that it has."""
    torch.manual_seed(0)
    cls = MODELS[kind]
    names = {field.name for field in fields(cls.Config)}
    return cls(cls.Config(**{k: v for k, v in (SMALL | settings).items() if k in names})).eval()


def is_flow(model: Autoencoder) -> bool:
    """Whether its latents are continuous with an exact density."""
    return model.spec.likelihood == "exact" and not model.spec.discrete


def cases(*, deterministic: bool = False) -> list[Any]:
    """Returns each model with each of its variants."""
    found = {}
    for kind, cls in MODELS.items():
        names = {field.name for field in fields(cls.Config)}
        if deterministic and build(kind, image_shape=(1, 8, 8)).spec.prior:
            continue
        flow = is_flow(build(kind, image_shape=(1, 8, 8)))
        for settings in SETTINGS + (MORE if kind == "vae" else FLOWS if flow else []):
            own = {k: v for k, v in settings.items() if k in names}
            name = "-".join([kind, *(str(v).replace(" ", "") for v in own.values())])
            found[name] = pytest.param((kind, own), id=name)
    return list(found.values())


@pytest.fixture(params=list(MODELS))
def kind(request: pytest.FixtureRequest) -> str:
    """The name of a model."""
    return str(request.param)


@pytest.fixture(params=cases())
def model(request: pytest.FixtureRequest) -> Autoencoder:
    """An untrained model in evaluation mode."""
    kind, settings = request.param
    return build(kind, **settings)


def images(model: Autoencoder, count: int = 3) -> Tensor:
    """Draws inputs of the model: images, or sequences of them."""
    shape = (LENGTH, *model.image_shape) if model.spec.sequence else model.image_shape
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(1))


def latents(model: Autoencoder, count: int = 5, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(count, *model.spec.shape, generator=torch.Generator().manual_seed(2))


def nudge(model: Autoencoder) -> None:
    """Changes every weight slightly, since a layer that is initialised to 0 hides those before it."""
    generator = seeded(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.01 * torch.randn(parameter.shape, generator=generator)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_shapes(model: Autoencoder) -> None:
    q = model.encode(images(model))
    assert q.mean.shape == (3, *model.spec.shape)
    assert q.std is None or q.std.shape == q.mean.shape
    assert model.decode(q.mean).shape == (3, *model.image_shape)
    assert q.mean.dtype == model.decode(q.mean).dtype == torch.float32


def test_the_spec_agrees_with_the_model(model: Autoencoder) -> None:
    exact, discrete = model.spec.likelihood == "exact", model.spec.discrete
    if exact:
        assert model.spec.shape == (math.prod(model.image_shape),)
    elif not discrete:
        assert model.spec.shape == (3,)
    assert bool(model.spec.levels) is (exact or discrete)
    point = model.encode(images(model)).std is None
    assert model.spec.prior is (exact or discrete or not point)
    if not exact:
        assert model.spec.likelihood == ("bound" if model.spec.prior else "none")
    assert point or not discrete
    assert model.spec.sequence is hasattr(model, "rollout")


def test_the_code_methods_of_a_discrete_model_agree(model: Any) -> None:
    x = images(model)
    if not model.spec.discrete:
        with pytest.raises(ValueError, match=r"has no discrete codes \(`spec.discrete` is False\)"):
            as_discrete(model)
        return
    assert as_discrete(model) is model
    codes, z = model.codes(x), model.encode(x).mean
    assert [each.shape[1:] for each in codes] == [level.shape[1:] for level in model.spec.levels]
    assert all(each.dtype == torch.long and len(each) == len(x) for each in codes)
    assert model.embed(codes).shape == z.shape
    assert torch.equal(model.decode(model.embed(codes)), model.decode(z))
    assert all(torch.equal(own, found) for own, found in zip(codes, model.nearest(z), strict=True))
    sizes = [
        (book.shape[1], len(book) > int(each.max()))
        for book, each in zip(model.codebooks(), codes, strict=True)
    ]
    assert sizes == [(level.shape[0], True) for level in model.spec.levels]


def test_pictures_are_in_0_to_1_even_far_from_the_data(model: Autoencoder) -> None:
    pictures = model.decode(latents(model, scale=1000.0))
    assert pictures.min() >= 0 and pictures.max() <= 1


def test_encoding_is_deterministic(model: Autoencoder) -> None:
    x = images(model)
    first, second = model.encode(x), model.encode(x)
    assert torch.equal(first.mean, second.mean)
    assert first.std is None or (second.std is not None and torch.equal(first.std, second.std))


def test_a_picture_does_not_depend_on_its_batch(model: Autoencoder) -> None:
    z, x = latents(model, 9), images(model, 9)
    alone = torch.cat([model.decode(row[None]) for row in z])
    torch.testing.assert_close(model.decode(z), alone, rtol=0, atol=2e-6)
    means = torch.cat([model.encode(row[None]).mean for row in x])
    torch.testing.assert_close(model.encode(x).mean, means, rtol=1e-4, atol=1e-5)


def test_the_loss_is_finite_has_named_terms_and_reaches_every_parameter(model: Autoencoder) -> None:
    model.train().loss(images(model), generator=seeded(0))  # sets what is set from a first batch
    nudge(model)
    loss = model.loss(images(model), generator=seeded(0))
    assert loss.total.shape == () and loss.total.isfinite()
    assert all(term.shape == () and term.isfinite() for term in loss.terms.values())
    if model.spec.likelihood == "exact":
        torch.testing.assert_close(loss.total, torch.stack(list(loss.terms.values())).sum())
    else:
        assert "reconstruction" in loss.terms and ("kl" in loss.terms) is model.spec.prior
    loss.total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("model", cases(deterministic=True), indirect=True)
def test_the_warm_up_weights_the_penalties_of_a_deterministic_model(model: Autoencoder) -> None:
    cold, warm = (model.loss(images(model), generator=seeded(0), warmup=w) for w in (0.0, 1.0))
    assert torch.equal(cold.total, cold.terms["reconstruction"])
    torch.testing.assert_close(warm.total, torch.stack(list(warm.terms.values())).sum())


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_a_deterministic_model_minimises_the_nll_of_its_likelihood(kind: str, likelihood: str) -> None:
    model: Any = build(kind, image_shape=(1, 8, 8), likelihood=likelihood, level=0.0)  # nothing is corrupted
    if model.spec.prior or model.spec.sequence:
        return
    x = images(model)
    prepared = model.likelihood.prepare(x, seeded(0))
    expected = model.nll(model.encode(prepared).mean, prepared).mean()
    torch.testing.assert_close(model.loss(x, generator=seeded(0)).terms["reconstruction"], expected)


def test_the_loss_can_be_measured_without_gradients(model: Autoencoder) -> None:
    x = images(model)
    with torch.inference_mode():
        measured = model.loss(x, generator=seeded(0))
    torch.testing.assert_close(measured.total, model.loss(x, generator=seeded(0)).total)


def test_the_same_seed_gives_the_same_loss_and_sample(model: Autoencoder) -> None:
    torch.set_num_threads(1)  # a code that is drawn at a time is too little to share

    def draw(seed: int) -> Tensor:
        torch.manual_seed(torch.seed() % 2**63)  # nothing may come from torch's own generator
        loss = model.loss(images(model), generator=seeded(seed)).total
        pictures = model.sample(2, seeded(seed)).flatten() if model.spec.prior else torch.empty(0)
        return torch.cat([loss[None], pictures])

    assert torch.equal(draw(1), draw(1))
    if model.spec.prior:  # a discrete posterior is a point, and its loss draws nothing
        drawn = (
            [draw(seed) for seed in (0, 1)] if model.spec.discrete else [draw(seed)[0] for seed in range(5)]
        )
        assert any(not torch.equal(drawn[0], other) for other in drawn)


def test_different_seeds_give_different_samples_where_there_is_a_prior(kind: str) -> None:
    model = build(kind, image_shape=(1, 8, 8), likelihood="bernoulli")
    if not model.spec.prior:
        with pytest.raises(ValueError, match=f"{type(model).__name__} has no prior to sample from"):
            model.sample(1)
        return
    pictures = model.sample(4, seeded(0))
    assert pictures.shape == (4, *model.image_shape)
    assert len(pictures.flatten(1).unique(dim=0)) == 4
    assert not torch.equal(pictures, model.sample(4, seeded(1)))


@pytest.mark.parametrize("temperature", [-0.1, float("nan"), float("inf")])
def test_an_invalid_temperature_is_refused(kind: str, temperature: float) -> None:
    model = build(kind, image_shape=(1, 8, 8))
    if model.spec.prior:
        with pytest.raises(ValueError, match="`temperature` must be a finite number of at least 0"):
            model.sample(1, temperature=temperature)


def test_the_temperature_is_the_standard_deviation_of_the_prior(kind: str) -> None:
    model = build(kind, image_shape=(1, 8, 8))
    if not model.spec.prior:
        return
    nudge(model)
    assert len(model.sample(3, temperature=0.0).flatten(1).unique(dim=0)) == 1
    if model.spec.discrete:
        return  # whose prior is no normal one
    z = torch.randn(3, *model.spec.shape, generator=seeded(0))
    assert torch.equal(model.sample(3, seeded(0), 0.7), model.decode(0.7 * z))
    assert torch.equal(model.sample(3, seeded(0)), model.decode(z))


@pytest.mark.parametrize("key", [key for key in MODELS if build(key, image_shape=(1, 8, 8)).spec.levels])
@pytest.mark.parametrize("shape", SHAPES)
def test_levels_grow_from_the_coarsest_to_the_finest(key: str, shape: tuple[int, int, int]) -> None:
    spec = build(key, image_shape=shape).spec
    sides = [level.shape[1] * level.shape[2] for level in spec.levels]
    assert sides == sorted(sides) and len({level.name for level in spec.levels}) == len(sides)


def test_save_and_load_give_the_same_model(model: Autoencoder, tmp_path: Path) -> None:
    kind = next(name for name, cls in MODELS.items() if cls is type(model))
    model.train().loss(images(model))  # moves what a likelihood learns
    checkpoint.write(tmp_path / "one", model.eval(), model_name=kind, data={"name": "digits"})
    loaded = checkpoint.load(tmp_path / "one")
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert loaded.config == model.config and loaded.spec == model.spec
    assert loaded.image_shape == model.image_shape
    torch.testing.assert_close(loaded.state_dict(), model.state_dict(), rtol=0, atol=0)
    x, z = images(model), latents(model)
    assert torch.equal(loaded.encode(x).mean, model.encode(x).mean)
    assert torch.equal(loaded.decode(z), model.decode(z))
    assert torch.equal(loaded.loss(x, generator=seeded(0)).total, model.loss(x, generator=seeded(0)).total)


def test_a_configuration_survives_json(kind: str) -> None:
    config = build(kind, image_shape=(1, 8, 8)).config
    assert config_from_dict(type(config), json.loads(json.dumps(config_to_dict(config)))) == config


def test_only_a_closed_form_can_be_fitted(kind: str) -> None:
    model = build(kind, image_shape=(1, 8, 8))
    pictures = (images(model, 40) * 255).to(torch.uint8)
    if not model.closed_form:
        with pytest.raises(ValueError, match=f"{type(model).__name__} has no closed form"):
            as_closed_form(model)
        return
    before = model.loss(images(model)).total
    as_closed_form(model).fit(pictures)
    assert model.loss(images(model)).total < before


def test_names_of_classes_and_configurations_follow_the_key(kind: str) -> None:
    cls = MODELS[kind]
    assert cls.__name__.lower() == kind.replace("-", "")
    assert cls.Config.__name__ == f"{cls.__name__}Config"
    assert cls.__module__ == f"models.{kind.replace('-', '_')}"


@pytest.mark.parametrize("name", sorted(FORMER))
def test_checkpoints_older_than_the_family_still_load(name: str) -> None:
    model = checkpoint.load(BUNDLED / name)
    assert type(model) is MODELS["vae"]
    assert list(config_to_dict(model.config)) == [
        "image_shape",
        "latent",
        "likelihood",
        "sigma",
        "network",
        "width",
        "depth",
        "neck",
        "grid",
        "free_bits",
    ]
    assert next(iter(model.state_dict())) == "encoder.0.weight"
