"""A run: all settings that determine the result of a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

import torch

__all__ = ["OPTIMIZERS", "Run"]

KINDS = {"str": str, "int": int, "bool": bool, "dict[str, Any]": dict}  # types of the fields of a run

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
    prior_epochs: int = (
        0  # further epochs that train only a prior over codes; with 0 it is trained with the model
    )
    batch: int = 128  # images a step, all processes together
    rate: float = 1e-3  # peak learning rate
    rate_warmup: int = 200  # steps of linear rise to the peak; then a cosine decay to a hundredth
    kl_warmup: float = 0.2  # share of the steps over which the regulariser rises to full weight
    decay: float = 0.0  # weight decay
    clip: float = 100.0  # gradient norm, in nats per image and unit weight
    seed: int = 0
    bf16: bool = False  # matrix products and convolutions in bfloat16
    limit: int = 0  # number of training images; 0 for all
    save_every: int = 500  # steps between saved states for `--resume`
    optimizer: str = "adamw"  # a key of `OPTIMIZERS`
    ema: float = 0.0  # decay of the moving average of the weights, which is saved instead of them; 0 for none
    compile: bool = False  # the loss compiled by torch.compile
    start: str = ""  # name or folder of a checkpoint to initialise from; "" draws the weights from the seed

    def __post_init__(self) -> None:
        for place in fields(self):
            value = getattr(self, place.name)
            kinds = (int, float) if place.type == "float" else KINDS[str(place.type)]
            if not isinstance(value, kinds) or (isinstance(value, bool) and place.type != "bool"):
                raise ValueError(f"`{place.name}` must be of type {place.type}. Got {value!r}.")
        for name, low in (("epochs", 1), ("prior_epochs", 0), ("batch", 1), ("seed", 0), ("limit", 0), ("save_every", 1),
                          ("rate_warmup", 0)):  # fmt: skip
            if getattr(self, name) < low:
                raise ValueError(f"`{name}` must be at least {low}. Got {getattr(self, name)}.")
        if taken := sorted(self.options.keys() & {"name", "split", "limit"}):
            raise ValueError(f"`options` must be the data set's own. Got {taken[0]!r}; a run sets it itself.")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"Unknown optimizer {self.optimizer!r}. Choose one of: {', '.join(OPTIMIZERS)}.")
        if not 0 < self.rate < 1:
            raise ValueError(f"`rate` must lie between 0 and 1. Got {self.rate}.")
        if not 0 <= self.kl_warmup <= 1:
            raise ValueError(f"`kl_warmup` must be a share between 0 and 1. Got {self.kl_warmup}.")
        for name in ("decay", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must lie in [0, 1). Got {getattr(self, name)}.")
        if not self.clip > 0:
            raise ValueError(f"`clip` must be positive. Got {self.clip}.")
