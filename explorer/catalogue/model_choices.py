"""The models suggested for the user's own images, with settings for the image size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CHOICES", "ModelChoice", "schedule_for", "settings_for"]


@dataclass(frozen=True)
class ModelChoice:
    """A suggested model and a description."""

    model: str  # a key of `models.MODELS`
    title: str
    meaning: str  # a sentence or two
    settings: dict[str, Any] = field(default_factory=dict)  # override those of `settings_for`


CHOICES: dict[str, ModelChoice] = {
    "vae": ModelChoice(
        "vae",
        "VAE, the default",
        "A smooth latent space: images between two images are plausible. It can sample new images.",
    ),
    "plane": ModelChoice(
        "vae",
        "VAE with two dimensions",
        "The map shows the whole latent space; reconstructions are coarse.",
        {"latent": 2},
    ),
    "beta-vae": ModelChoice(
        "beta-vae",
        "β-VAE, separate factors",
        "Each dimension tends to represent one factor, such as size or rotation; reconstructions are "
        "blurrier.",
    ),
    "ae": ModelChoice(
        "ae",
        "Plain autoencoder, sharpest",
        "The best reconstructions. It cannot sample new images, and empty regions of its map decode to "
        "nothing useful.",
    ),
}


def settings_for(choice: ModelChoice, shape: tuple[int, int, int]) -> dict[str, Any]:
    """The settings of a choice for images of a shape (C, H, W), without the shape itself.

    From 32 pixels on, the networks work on patches, which allows several times as many steps per minute.
    """
    side = max(shape[1:])
    latent = 8 if side < 16 else 16 if side < 32 else 32 if side < 48 else 64
    network = {"network": "patch", "width": 64} if side >= 32 else {"width": 16}
    return {"latent": latent} | network | choice.settings


def schedule_for(settings: dict[str, Any]) -> dict[str, Any]:
    """The fields of a run that suit the settings of a model: networks on patches take a higher learning rate."""
    rate = 4e-3 if settings.get("network") == "patch" else 1e-3
    return {"rate": rate, "optimizer": "adamw-fused", "ema": 0.999}
