"""What a model is built of, layer by layer.

An untrained model of the same configuration is shown one black image (a model of sequences: a sequence of it
alone); every layer that the image and its code pass says what it is and what it gives. Torch's `meta` device would
need no weights, but seconds to import what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models import MODELS
from models.base import Autoencoder
from models.configuration import config_from_dict
from models.layers.coupling import AffineCoupling
from models.layers.networks import Neck, Residual
from models.protocols import as_discrete

__all__ = ["Architecture", "Layer", "Part", "describe", "untrained"]

SILENT = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout)  # they only rearrange
WHOLE = (Residual, Neck, AffineCoupling)  # their paths run side by side; each is told as one layer


@dataclass(frozen=True)
class Layer:
    """One layer with weights, or a function between two of them."""

    what: str  # e.g. "Conv2d 1 → 16, 3×3, stride 2"
    shape: tuple[int, ...]  # of what it gives for one image
    parameters: int


@dataclass(frozen=True)
class Part:
    """A part of the model, e.g. its encoder."""

    name: str
    layers: list[Layer]
    parameters: int


@dataclass(frozen=True)
class Architecture:
    """A model's parts in the order in which they are used."""

    parts: list[Part]
    parameters: int  # of the whole model

    def sizes(self, name: str) -> str:
        """The shapes along a part, e.g. "16×14×14 → 32×7×7 → 100"; "" where there is no such part."""
        part = next((part for part in self.parts if part.name == name), None)
        shapes = [layer.shape for layer in part.layers if layer.parameters] if part else []
        kept = [s for place, s in enumerate(shapes) if not place or s != shapes[place - 1]]
        return " → ".join("×".join(map(str, shape)) for shape in kept)


def untrained(key: str, config: Mapping[str, Any]) -> Autoencoder:
    """An untrained model; it works on one thread, as small ones wait for each other longer than they work.

    Raises:
        ValueError: If there is no such model, or a setting does not hold.
    """
    if key not in MODELS:
        raise ValueError(f"Unknown model {key[:80]!r}. Choose one of: {', '.join(MODELS)}.")
    torch.set_num_threads(1)
    cls = MODELS[key]
    with torch.random.fork_rng(devices=[]):
        return cls(config_from_dict(cls.Config, config))


def describe(key: str, config: Mapping[str, Any]) -> Architecture:
    """The layers that an image passes on its way to a code and back.

    Arguments:
        key: Of `models.MODELS`.
        config: Of the model, as its card holds it.

    Raises:
        ValueError: If there is no such model, or a setting does not hold.
    """
    model = untrained(key, config).eval()
    layers: dict[str, list[Layer]] = {}
    with ExitStack() as stack, torch.no_grad():
        for name, module in _leaves(model):
            taken = layers.setdefault(name.partition(".")[0], [])
            stack.callback(module.register_forward_hook(_listen(taken)).remove)
        black = torch.zeros(1, *model.image_shape)
        model.decode(model.encode(black[:, None] if model.spec.sequence else black).mean)
        if model.spec.discrete and model.spec.prior:
            as_discrete(model).code_nll(
                [torch.zeros(1, *each.shape[1:], dtype=torch.long) for each in model.spec.levels]
            )
    parts = [
        Part(name, found, _count(getattr(model, name)))
        for name, found in layers.items()
        if found and name and _count(getattr(model, name))
    ]
    return Architecture(parts, _count(model))


def _leaves(model: nn.Module, before: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Every layer that is not made of others, or is told as one, with its path."""
    for name, module in model.named_children():
        if isinstance(module, WHOLE) or next(module.children(), None) is None:
            if not isinstance(module, SILENT):
                yield before + name, module
        else:
            yield from _leaves(module, f"{before}{name}.")


def _listen(taken: list[Layer]) -> Callable[[nn.Module, object, object], None]:
    """A hook that notes what a layer is and gives; a layer of a flow gives its volume besides."""

    def hook(module: nn.Module, _: object, given: Any) -> None:
        given = given[0] if isinstance(given, tuple) else given
        if isinstance(module, nn.LSTM):
            given = given[:, -1]
        shape = tuple(given.shape[1:]) if isinstance(given, Tensor) else ()
        taken.append(Layer(_say(module), shape, _count(module)))

    return hook


def _say(module: nn.Module) -> str:
    """A layer in a few words."""
    name = type(module).__name__
    if isinstance(module, Residual):
        inner = next(m for m in module.modules() if isinstance(m, nn.Conv2d))
        return f"{name}, two {_say(inner)}"
    if isinstance(module, Neck):
        hidden = next(m for m in module.mixed if isinstance(m, nn.Linear)).out_features
        return f"{name} {module.straight.in_features:,} → {module.straight.out_features:,}, {hidden} hidden"
    if isinstance(module, AffineCoupling):
        first = next(m for m in module.modules() if isinstance(m, nn.Conv2d))
        return f"{type(module.mask).__name__} coupling, {first.out_channels} hidden"
    if isinstance(module, nn.Linear):
        return f"{name} {module.in_features:,} → {module.out_features:,}"
    if isinstance(module, nn.LSTM):
        return f"{name} {module.input_size:,} → {module.hidden_size:,}"
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        size = "×".join(map(str, module.kernel_size))
        stride = f", stride {module.stride[0]}" if module.stride[0] > 1 else ""
        return f"{name} {module.in_channels} → {module.out_channels}, {size}{stride}"
    return name


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
