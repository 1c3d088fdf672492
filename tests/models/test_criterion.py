"""Tests of the criteria: every term of the loss is named, and only a loss that is a bound is called one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor

from models import MODELS, Autoencoder
from models.criterion import ELBO, Criterion
from models.layers.quantiser import UPDATES

SMALL: dict[str, Any] = {
    "latent": 4,
    "width": 4,
    "k": 2,
    "samples": 3,
    "steps": 1,
    "couplings": 1,
    "codebook": 8,
    "halvings": 1,
    "prior_width": 4,
    "prior_depth": 1,
    "belief": 5,
    "features": 6,
    "hidden": 4,
    "jump": 2,
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((key, {}) for key in MODELS),
    *(("dae", {"corruption": kind}) for kind in ("gaussian", "salt-and-pepper")),
    *(("vq-vae", {"update": kind}) for kind in UPDATES),
    ("vq-vae", {"prior_depth": 0}),
    ("vae", {"free_bits": 2.0}),
    ("beta-vae", {"beta": 1.0}),
    ("beta-vae", {"free_bits": 2.0}),
    ("glow", {"dequantisation": "variational"}),
]


def built(key: str, settings: dict[str, Any]) -> tuple[Autoencoder, Criterion]:
    torch.manual_seed(0)
    cls = MODELS[key]
    names = {field.name for field in fields(cls.Config)}
    config = cls.Config(
        **{"image_shape": (1, 8, 8)} | {k: v for k, v in (SMALL | settings).items() if k in names}
    )
    return cls(config), cls.criterion(config)


def examples(model: Autoencoder) -> Tensor:
    shape = (6, 4, 1, 8, 8) if model.spec.sequence else (6, 1, 8, 8)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("key", "settings"), VARIANTS, ids=str)
def test_the_criterion_names_the_terms_and_the_type_of_the_loss(key: str, settings: dict[str, Any]) -> None:
    model, said = built(key, settings)
    x = examples(model)
    loss = model.train().loss(x, generator=torch.Generator().manual_seed(0))
    assert set(said.terms) == set(loss.terms) and all(said.terms.values())
    assert said.objective.endswith(".") and said.formula and "\n" not in said.objective
    elbo = set(loss.terms) == {"reconstruction", "kl"} and not model.spec.discrete
    elbo = elbo and torch.allclose(loss.total, sum(loss.terms.values(), torch.zeros(())), rtol=1e-5)
    assert (said.name == ELBO) == elbo, (
        "the sum of both terms, and nothing weighed, capped or averaged inside"
    )
    assert ("exact" in said.objective) == (model.spec.likelihood == "exact" and not model.spec.discrete)


POINTS = ("pca", "linear-ae", "ae", "dae", "sparse-ae", "k-sparse-ae", "contractive-ae")


def test_these_models_have_a_deterministic_latent() -> None:
    specs = {key: built(key, {})[0].spec for key in MODELS}
    assert tuple(key for key, spec in specs.items() if not spec.prior and not spec.sequence) == POINTS


@pytest.mark.parametrize("key", POINTS)
def test_only_the_plain_autoencoder_has_no_other_objective(key: str) -> None:
    """Compares with the loss: other models have a penalty, or decode something else than the latent of the image."""
    model, said = built(key, {"weight": 3.0})
    _, plain = built("ae", {})
    x = examples(model)
    loss: Tensor = model.train().loss(x, generator=torch.Generator().manual_seed(0)).total
    anything: Any = model
    raw = anything.encoder(x).float()
    own: Tensor = anything.nll(raw, x).mean()
    differs = not torch.allclose(loss, own, rtol=1e-5)
    assert differs == (key not in ("ae", "linear-ae", "pca"))
    assert (said.objective == plain.objective) == (key == "ae")
    assert (said.full_formula == plain.full_formula) == (key == "ae")


def test_the_criterion_states_the_settings() -> None:
    def asks(key: str, **settings: Any) -> str:
        said = built(key, settings)[1]
        return f"{said.objective} {said.full_formula}"

    assert "30 % of the pixels set to black or white" in asks("dae", corruption="salt-and-pepper", level=0.3)
    assert "standard deviation 0.2" in asks("dae", corruption="gaussian", level=0.2)
    assert "the 2 most active of its 4 units" in asks("k-sparse-ae")
    assert "0.1: few units" in asks("sparse-ae", rho=0.1) and "+ 7 " in asks("sparse-ae", weight=7.0)
    assert "+ 7\\" in asks("contractive-ae", weight=7.0)
    assert "weighted by 6" in asks(
        "beta-vae", beta=6.0
    ) and "first 2 nats, averaged over a batch, are free" in asks("vae", free_bits=2.0)
    assert "rises to 12 nats" in asks("capacity-vae", capacity=12.0)
    assert built("iwae", {"samples": 1})[1].name == ELBO, "in expectation over its sample"
    assert built("iwae", {"samples": 9})[1].name == "−Bound, k = 9" and "9 importance weights" in asks(
        "iwae", samples=9
    )
    assert "up to 2 frames" in asks("td-vae") and "of it" not in asks("vq-vae", prior_depth=0)
