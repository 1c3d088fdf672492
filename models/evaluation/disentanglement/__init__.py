"""How well single latent dimensions represent single factors: MIG, DCI, SAP, FactorVAE and beta-VAE score.

    from models.evaluation.disentanglement import disentanglement
    disentanglement(load("faces-vae"), load_data("faces", "test"))

Each metric is a file of pure functions on arrays, latents (N, D) and factors (N, F) in float64; `disentanglement`
measures a model. They follow disentanglement_lib; each file's docstring names where it differs.
"""

from __future__ import annotations

from models.evaluation.disentanglement.baselines import baselines
from models.evaluation.disentanglement.beta_vae import beta_vae_score
from models.evaluation.disentanglement.dci import DCI, dci
from models.evaluation.disentanglement.factor_vae import factor_vae_score
from models.evaluation.disentanglement.mig import mutual_information_gap
from models.evaluation.disentanglement.sap import separated_attribute_predictability
from models.evaluation.disentanglement.scores import disentanglement, measurable
from models.evaluation.disentanglement.sources import FactorSource, labelled, redrawn

__all__ = [
    "DCI",
    "FactorSource",
    "baselines",
    "beta_vae_score",
    "dci",
    "disentanglement",
    "factor_vae_score",
    "labelled",
    "measurable",
    "mutual_information_gap",
    "redrawn",
    "separated_attribute_predictability",
]
