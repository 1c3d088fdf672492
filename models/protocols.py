"""Protocols of abilities that only some models have; `LatentSpec` says which of them a model has.

A function that needs an ability takes an argument of its protocol. `as_discrete(model)` and the like check a model of
unknown family and return it with the type of the protocol.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, runtime_checkable

import torch
from torch import Tensor

from models.base import LatentSpec, Loss, Posterior, Progress
from models.layers.likelihoods import Likelihood

if TYPE_CHECKING:
    from models.td_vae import Gaussian

__all__ = [
    "ClosedForm",
    "DiscreteLatent",
    "HasFiles",
    "HasLikelihood",
    "Model",
    "SequenceModel",
    "TrainablePrior",
    "as_closed_form",
    "as_discrete",
    "as_likelihood_model",
    "as_sequence_model",
    "as_trainable_prior",
]


class Model(Protocol):
    """The interface of every `Autoencoder`."""

    config: Any
    spec: LatentSpec
    image_shape: tuple[int, int, int]  # (C, H, W)

    def encode(self, x: Tensor) -> Posterior:
        """See `Autoencoder.encode`."""

    def decode(self, z: Tensor) -> Tensor:
        """See `Autoencoder.decode`."""

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """See `Autoencoder.loss`."""


class HasLikelihood(Model, Protocol):
    """A model whose decoder gives p(x|z)."""

    likelihood: Likelihood

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """Computes -log p(x|z) of images (B, C, H, W) given latents (B, D), in nats per image, shape (B,)."""


class DiscreteLatent(Model, Protocol):
    """A model whose latent consists of grids of codebook entries (`spec.discrete`)."""

    def codes(self, x: Tensor) -> list[Tensor]:
        """Returns the codes of images (B, C, H, W) in [0, 1]: int64 (B, rows, columns) per level, coarsest first."""

    def embed(self, codes: list[Tensor]) -> Tensor:
        """Returns the latents (B, D) of codes, int64 (B, rows, columns) per level."""

    def nearest(self, z: Tensor) -> list[Tensor]:
        """Returns the codes nearest to latents (B, D), which `decode` uses: int64 (B, rows, columns) per level."""

    def codebooks(self) -> list[Tensor]:
        """Returns the codebook vectors of each level, (K, vector size), coarsest level first."""

    def code_nll(self, codes: list[Tensor]) -> list[Tensor]:
        """Computes -log p of each level's codes given the coarser levels, in nats: shape (B,) per level.

        Raises:
            ValueError: If the model has no prior.
        """

    def sample_codes(
        self,
        count: int,
        generator: torch.Generator | None = None,
        *,
        temperature: float = 1.0,
        progress: Progress | None = None,
        above: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """Draws codes from the prior, level by level: int64 (count, rows, columns) per level.

        Arguments:
            count: Number of grids to draw.
            generator: Source of the draws; torch's default generator if None.
            temperature: Divides the logits of the prior; 0 takes the likeliest code at each position.
            progress: Called after each code with the number of codes drawn and their total.
            above: Given codes of the coarser levels, which are not drawn.

        Raises:
            ValueError: If the model has no prior.
        """


@runtime_checkable
class TrainablePrior(Protocol):
    """A model whose prior can be trained separately."""

    def set_trainable(self, part: Literal["model", "prior"]) -> None:
        """Makes one part of the model trainable and freezes the other.

        Arguments:
            part: The prior, or everything but the prior.

        Raises:
            ValueError: If this configuration has no prior.
        """


@runtime_checkable
class ClosedForm(Protocol):
    """A model that is fitted in closed form instead of trained (`Autoencoder.closed_form`)."""

    def fit(self, images: Tensor) -> None:
        """Fits the model to all training images at once.

        Arguments:
            images: uint8 (N, C, H, W).

        Raises:
            ValueError: If the images do not determine the model.
        """


@runtime_checkable
class HasFiles(Protocol):
    """A model with further files beside its card, such as ONNX graphs."""

    @property
    def files(self) -> dict[str, str]:
        """Name -> SHA-256 of the files."""

    def read_files(self, folder: Path) -> dict[str, bytes]:
        """Reads the files and compares them with their SHA-256.

        Raises:
            ValueError: If a file is missing or was changed.
        """

    def open_files(self, folder: Path) -> None:
        """Reads the files and makes them ready, before the model is used.

        Raises:
            ValueError: If a file is missing, was changed, or is refused.
        """


class SequenceModel(HasLikelihood, Protocol):
    """A model of sequences (`spec.sequence`), which predicts states from a belief state."""

    @property
    def top_size(self) -> int:
        """Dimensions of the top layer, which are the first of a state."""

    def belief(self, frames: Tensor) -> Tensor:
        """Computes the belief states (B, T, ...) of sequences (B, T, C, H, W) in [0, 1]."""

    def filter(
        self, belief: Tensor, generator: torch.Generator | None = None, *, means: bool = False
    ) -> tuple[Tensor, Gaussian]:
        """Draws a state (B, D) from each belief, or takes its mean; returns it with its distribution."""

    def jump(
        self,
        z: Tensor,
        length: int | Tensor,
        generator: torch.Generator | None = None,
        *,
        means: bool = False,
    ) -> tuple[Tensor, Gaussian]:
        """Draws the state (B, D) `length` frames later, or takes its mean; returns it with its distribution."""


def as_discrete(model: Model) -> DiscreteLatent:
    """The model with the type of its ability.

    Raises:
        ValueError: If its latent is not discrete.
    """
    if not model.spec.discrete:
        raise ValueError(f"{type(model).__name__} has no discrete codes (`spec.discrete` is False).")
    return cast(DiscreteLatent, model)


def as_likelihood_model(model: Model) -> HasLikelihood:
    """The model with the type of its ability.

    Raises:
        ValueError: If its decoder gives no p(x|z).
    """
    if not isinstance(getattr(model, "likelihood", None), Likelihood) or not hasattr(model, "nll"):
        raise ValueError(f"{type(model).__name__} has no likelihood p(x|z) of images.")
    return cast(HasLikelihood, model)


def as_sequence_model(model: Model) -> SequenceModel:
    """The model with the type of its ability.

    Raises:
        ValueError: If it is not a model of sequences.
    """
    if not model.spec.sequence:
        raise ValueError(f"{type(model).__name__} is not a model of sequences (`spec.sequence` is False).")
    return cast(SequenceModel, model)


def as_trainable_prior(model: Model) -> TrainablePrior:
    """The model with the type of its ability.

    Raises:
        ValueError: If it has no prior that can be trained separately.
    """
    if not isinstance(model, TrainablePrior):
        raise ValueError(
            f"`prior_epochs` must be 0: {type(model).__name__} has no prior that can be trained separately."
        )
    return model


def as_closed_form(model: Model) -> ClosedForm:
    """The model with the type of its ability.

    Raises:
        ValueError: If it has no closed form.
    """
    if not isinstance(model, ClosedForm):
        raise ValueError(f"{type(model).__name__} has no closed form (`closed_form` is False). Train it.")
    return model
