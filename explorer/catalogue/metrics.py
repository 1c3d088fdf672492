"""Names, order and formatting of the metrics in cards."""

from __future__ import annotations

import contextlib
from typing import Any

from explorer.catalogue import families
from models.card import Card

__all__ = ["better_first", "name_of", "number", "protocol", "value_of", "written"]

TITLES = {
    "mse": "MSE",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "kl": "KL",
    "mig": "MIG",
    "dci": "DCI",
    "sap": "SAP",
    "log_likelihood": "log p(x)",
    "nll": "−log p(x)",
    "elbo": "ELBO",
    "fid": "FID",
    "bits_per_dim": "Bits/dim",
    "nll_naive": "−log p(x), naive",
    "restored_error": "Restoration error",
    "factor_vae": "FactorVAE score",
    "beta_vae": "β-VAE score",
}
LESS_IS_BETTER = (
    "mse",
    "loss",
    "reconstruction",
    "nll",
    "error",
    "fid",
    "bits_per_dim",
)  # in a metric's name


def name_of(metric: str, card: Card | None = None) -> str:
    """Display name of a metric; a loss is named after a bound only if its model declares that it is one."""
    if metric == "loss" and card is not None:
        with contextlib.suppress(ValueError):
            return families.criterion(card).name
    if metric in TITLES:
        return TITLES[metric]
    first, *rest = metric.split("_")
    return " ".join([TITLES.get(first, first.capitalize()), *rest])


def protocol(card: Card, metric: str) -> str:
    """How a metric was measured; "" if the card does not say.

    Cards say "posterior mean" for every model; for a deterministic encoder this is replaced by "latent".
    """
    figure = card.metrics.get(metric)
    told = str(figure.get("protocol", "")) if isinstance(figure, dict) else ""
    try:
        single = not families.spec_of(card).posterior
    except ValueError:
        return told
    return told.replace("posterior means", "latents").replace("posterior mean", "latent") if single else told


def value_of(card: Card, metric: str) -> float | None:
    """The value of a metric; None if it was not measured."""
    figure = card.metrics.get(metric)
    return float(figure["value"]) if isinstance(figure, dict) else None


def better_first(metric: str, value: float) -> float:
    """Sort key of a metric, so that better values come first."""
    return value if any(word in metric for word in LESS_IS_BETTER) else -value


def number(value: float) -> str:
    """A number with four significant digits and a typographic minus, e.g. "30.94", "−25,802", "0.00084"."""
    size = abs(value)
    if size >= 1000 or (value == round(value) and size >= 1):
        text = f"{value:,.0f}"
    elif size >= 0.1:
        text = f"{value:.{3 if size < 1 else 2 if size < 100 else 1}f}"
    else:
        text = f"{value:.2g}"
    return text.replace("-", "−")


def written(card: Card, metric: str) -> str:
    """A metric with its unit, e.g. "30.94 dB", "92.51 nats", "45 of 50"."""
    figure: dict[str, Any] = card.metrics[metric]
    unit = figure.get("unit", "").split("/")[0].replace(" dimensions", "")
    return f"{number(figure['value'])} {unit if len(unit) < 12 else ''}".strip()
