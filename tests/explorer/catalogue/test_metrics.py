"""Names of metrics: a loss is called a bound only if it is exactly this bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.catalogue import metrics as figures
from explorer.catalogue.metrics import name_of
from explorer.pages.shared.checkpoint_picker import summary
from models import checkpoint
from models.card import BUNDLED as CARD_BUNDLED
from models.card import Card

BUNDLED = CARD_BUNDLED


def card(name: str) -> Card:
    found = checkpoint.read(BUNDLED / name).card
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("mnist-vae", "−ELBO"),
        ("faces-vae", "−ELBO"),
        ("mnist-iwae", "−Bound, k = 5"),
        ("mnist-iwae-50", "−Bound, k = 50"),
    ],
)
def test_a_bound_is_called_by_its_name(name: str, called: str) -> None:
    assert name_of("loss", card(name)) == called


@pytest.mark.parametrize(
    "name", ["mnist-beta-vae", "mnist-capacity-vae", "fashion-vq-vae", "mnist-glow", "mnist-ae"]
)
def test_a_loss_with_other_terms_is_not_called_a_bound(name: str) -> None:
    assert name_of("loss", card(name)) == "Loss"


def test_a_metric_with_a_suffix_keeps_the_name_of_its_first_word() -> None:
    names = ["psnr", "kl_top", "log_likelihood", "active_units", "direction_right"]
    assert [name_of(name) for name in names] == [
        "PSNR",
        "KL top",
        "log p(x)",
        "Active units",
        "Direction right",
    ]


def test_a_summary_quotes_the_bound_itself() -> None:
    vq = card("fashion-vq-vae")
    figures = vq.metrics | {"elbo": vq.metrics["elbo"] | {"value": -87.5}}
    assert "ELBO −87.5 nats" in summary(replace(vq, metrics=figures))
    assert not any("ELBO" in fact for fact in summary(card("mnist-glow")))


def test_only_a_model_with_a_posterior_is_measured_at_its_mean() -> None:
    told = "decoded posterior mean, mnist test, 10000 images"
    made = {
        model: Card(
            name=model,
            title=model,
            model=model,
            config={"image_shape": [1, 28, 28]},
            data={"name": "mnist"},
            weights_sha256="ab" * 32,
            command="",
            metrics={"mse": {"value": 0.1, "protocol": told}},
        )
        for model in ("vae", "ae", "pca", "vq-vae", "iwae")
    }
    read = {model: figures.protocol(card, "mse") for model, card in made.items()}
    assert read["vae"] == read["iwae"] == told
    assert {read["ae"], read["pca"], read["vq-vae"]} == {"decoded latent, mnist test, 10000 images"}
    assert figures.protocol(made["ae"], "psnr") == ""
