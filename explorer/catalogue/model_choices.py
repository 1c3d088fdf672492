"""The models that are proposed for somebody's own images, in plain words, with settings for the size of the images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CHOICES", "ModelChoice", "schedule_for", "settings_for"]


@dataclass(frozen=True)
class ModelChoice:
    """A model, and what to expect of it."""

    model: str  # a key of `models.MODELS`
    title: str
    meaning: str  # a sentence or two
    settings: dict[str, Any] = field(default_factory=dict)  # of its configuration, instead of `settings_for`


CHOICES: dict[str, ModelChoice] = {
    "vae": ModelChoice(
        "vae",
        "VAE, the usual choice",
        "A smooth map: between two images lie plausible ones. It can draw new images.",
    ),
    "plane": ModelChoice(
        "vae",
        "VAE with two dimensions",
        "The map is all the model knows, so that nothing is hidden; images come back rough.",
        {"latent": 2},
    ),
    "beta-vae": ModelChoice(
        "beta-vae",
        "β-VAE, separate factors",
        "Each dimension tends to stand for one factor, such as size or turn; images come back softer.",
    ),
    "ae": ModelChoice(
        "ae",
        "Plain autoencoder, sharpest",
        "The best reconstructions. It cannot draw new images, and empty regions of its map show nothing sensible.",
    ),
}


def settings_for(choice: ModelChoice, shape: tuple[int, int, int]) -> dict[str, Any]:
    """The settings of a choice for images of a shape (C, H, W), without the shape itself.

    From 32 pixels on the networks work on patches: the same minutes then make several times as many steps.
    """
    side = max(shape[1:])
    latent = 8 if side < 16 else 16 if side < 32 else 32 if side < 48 else 64
    network = {"network": "patch", "width": 64} if side >= 32 else {"width": 16}
    return {"latent": latent} | network | choice.settings


def schedule_for(settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of a run that suit the settings of a model: networks on patches take a higher learning rate."""
    rate = 4e-3 if settings.get("network") == "patch" else 1e-3
    return {"rate": rate, "optimizer": "adamw-fused", "ema": 0.999}
