"""A run: all settings that determine the result of a training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import torch

from models.training.augment import AUGMENTATIONS

__all__ = ["OPTIMIZERS", "Run"]

# Annotation of a field of a run -> type of its value.
KINDS: dict[str, Any] = {
    "str": str,
    "int": int,
    "bool": bool,
    "float": (int, float),
    "dict[str, Any]": dict,
    "tuple[int, ...]": tuple,
    "tuple[str, ...]": tuple,
}
# Field of a run -> lower bound.
LEAST = {
    "epochs": 1,
    "prior_epochs": 0,
    "batch": 0,
    "seed": 0,
    "limit": 0,
    "save_every": 1,
    "rate_warmup": 0,
    "check_every": 1,
    "patience": 0,
}
MINUTES_AT_MOST = 60 * 24 * 365

# adamw-fused is AdamW in one kernel: faster, and equal up to rounding.
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adamw-fused": partial(torch.optim.AdamW, fused=True),
    "adamax": torch.optim.Adamax,
}


@dataclass(frozen=True)
class Run:
    """All settings that determine the result of a training."""

    model: str  # a key of `models.MODELS`
    data: str  # a key of `models.data.DATASETS`
    config: dict[str, Any] = field(default_factory=dict)  # of the model, without its image shape
    options: dict[str, Any] = field(default_factory=dict)  # of the data set
    title: str = ""
    description: str = ""
    epochs: int = 20
    prior_epochs: int = 0  # further epochs that train only a prior over codes; 0 trains it with the model
    minutes: float = 0.0  # time budget, instead of the epochs; 0 for none
    steps: tuple[
        int, ...
    ] = ()  # steps in each equal part of the schedule, instead of the epochs; () for none
    batch: int = 128  # images per step, over all processes; 0 for 128, halved until they fit into memory
    rate: float = 1e-3  # peak learning rate
    rate_warmup: int = 200  # steps of the linear warm-up to the peak; then cosine decay to a hundredth of it
    kl_warmup: float = 0.2  # share of the steps over which the regulariser rises to full weight
    decay: float = 0.0  # weight decay
    clip: float = 100.0  # largest gradient norm, in nats per image and unit of weight
    seed: int = 0
    bf16: bool = False  # matrix products and convolutions in bfloat16
    limit: int = 0  # number of training images; 0 for all
    save_every: int = 500  # steps between saved states for `--resume`
    optimizer: str = "adamw"  # a key of `OPTIMIZERS`
    ema: float = 0.0  # decay of the moving average of the weights, which replaces them at the end; 0 for none
    compile: bool = False  # compile the loss with torch.compile
    start: str = ""  # name or folder of a checkpoint to initialise from; "" draws the weights from the seed
    validation: float = 0.0  # above 0: measure the validation split; a share to hold out if the data has none
    check_every: int = (
        200  # steps between measurements of the validation loss, by which the weights are chosen
    )
    patience: int = (
        0  # measurements without a lower validation loss that end the run; 0 for no early stopping
    )
    augment: tuple[str, ...] = ()  # keys of `AUGMENTATIONS`

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if str(each.type).startswith("tuple") and isinstance(value, list):  # JSON has no tuples
                value = tuple(value)
                object.__setattr__(self, each.name, value)
            if not isinstance(value, KINDS[str(each.type)]) or (
                isinstance(value, bool) and each.type != "bool"
            ):
                raise ValueError(f"`{each.name}` must be of type {each.type}. Got {value!r}.")
        for name, low in LEAST.items():
            if getattr(self, name) < low:
                raise ValueError(f"`{name}` must be at least {low}. Got {getattr(self, name)}.")
        if reserved := sorted(self.options.keys() & {"name", "split", "limit"}):
            raise ValueError(
                f"`options` must be options of the data set. Got {reserved[0]!r}, which the run sets."
            )
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"Unknown optimizer {self.optimizer!r}. Choose one of: {', '.join(OPTIMIZERS)}.")
        self._check_shares()
        self._check_length()
        for name in self.augment:
            if name not in AUGMENTATIONS:
                raise ValueError(f"Unknown augmentation {name!r}. Choose from: {', '.join(AUGMENTATIONS)}.")

    def _check_shares(self) -> None:
        """Checks the ranges of the floats."""
        if not 0 < self.rate < 1:
            raise ValueError(f"`rate` must lie between 0 and 1. Got {self.rate}.")
        if not 0 <= self.kl_warmup <= 1:
            raise ValueError(f"`kl_warmup` must be a share between 0 and 1. Got {self.kl_warmup}.")
        for name in ("decay", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must lie in [0, 1). Got {getattr(self, name)}.")
        if not 0 <= self.validation <= 0.5:
            raise ValueError(f"`validation` must lie in [0, 0.5]. Got {self.validation}.")
        if not self.clip > 0:
            raise ValueError(f"`clip` must be positive. Got {self.clip}.")

    def _check_length(self) -> None:
        """Checks the fields that set the length of the run."""
        if not (math.isfinite(self.minutes) and 0 <= self.minutes <= MINUTES_AT_MOST):
            raise ValueError(f"`minutes` must lie in [0, {MINUTES_AT_MOST}]. Got {self.minutes}.")
        if not all(type(steps) is int and steps > 0 for steps in self.steps):
            raise ValueError(f"`steps` must be integers of at least 1. Got {self.steps}.")
        conflicting = [name for name in ("minutes", "steps", "prior_epochs") if getattr(self, name)]
        if len(conflicting) > 1:
            first, second, *_ = conflicting
            raise ValueError(f"`{first}` and `{second}` must not both be set. Leave out one of them.")
