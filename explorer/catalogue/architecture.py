"""The architecture of a model, layer by layer.

One black image (for a sequence model, a sequence of one) is passed through an untrained model of the same
configuration, and hooks record each layer and its output shape. Torch's `meta` device would need no weights,
but seconds for its imports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models import FAMILIES
from models.base import Autoencoder
from models.configuration import config_from_dict
from models.layers.coupling import AffineCoupling
from models.layers.networks import Neck, Residual
from models.protocols import as_discrete

__all__ = ["Architecture", "Layer", "Part", "describe", "untrained"]

SILENT = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout)  # not listed
WHOLE = (Residual, Neck, AffineCoupling)  # parallel paths inside; listed as one layer


@dataclass(frozen=True)
class Layer:
    """One layer with weights, or a function between two of them."""

    what: str  # e.g. "Conv2d 1 → 16, 3×3, stride 2"
    shape: tuple[int, ...]  # output shape for one image
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
    parameters: int  # number of parameters of the whole model

    def sizes(self, name: str) -> str:
        """The shapes along a part, e.g. "16×14×14 → 32×7×7 → 100"; "" if there is no such part."""
        part = next((part for part in self.parts if part.name == name), None)
        shapes = [layer.shape for layer in part.layers if layer.parameters] if part else []
        distinct = [s for index, s in enumerate(shapes) if not index or s != shapes[index - 1]]
        return " → ".join("×".join(map(str, shape)) for shape in distinct)


def untrained(key: str, config: Mapping[str, Any]) -> Autoencoder:
    """An untrained model, on one thread, as threading overhead exceeds the work of small layers.

    Raises:
        ValueError: If there is no such model, or a setting is invalid.
    """
    if key not in FAMILIES:
        raise ValueError(f"Unknown model {key[:80]!r}. Choose one of: {', '.join(FAMILIES)}.")
    torch.set_num_threads(1)
    cls = FAMILIES[key]
    with torch.random.fork_rng(devices=[]):
        return cls(config_from_dict(cls.Config, config))


def describe(key: str, config: Mapping[str, Any]) -> Architecture:
    """The layers that an image passes on its way to the latent and back.

    Arguments:
        key: A key of `models.FAMILIES`.
        config: Configuration of the model, as in its card.

    Raises:
        ValueError: If there is no such model, or a setting is invalid.
    """
    model = untrained(key, config).eval()
    layers: dict[str, list[Layer]] = {}
    with ExitStack() as stack, torch.no_grad():
        for name, module in _leaves(model):
            recorded = layers.setdefault(name.partition(".")[0], [])
            stack.callback(module.register_forward_hook(_recorder(recorded)).remove)
        black = torch.zeros(1, *model.image_shape)
        z = torch.zeros(1, *model.spec.shape)  # of a decoder alone
        if model.spec.encodes:
            z = model.encode(black[:, None] if model.spec.sequence else black).mean
        model.decode(z)
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
    """All layers without sublayers, and those listed as one, with their paths."""
    for name, module in model.named_children():
        if isinstance(module, WHOLE) or next(module.children(), None) is None:
            if not isinstance(module, SILENT):
                yield before + name, module
        else:
            yield from _leaves(module, f"{before}{name}.")


def _recorder(layers: list[Layer]) -> Callable[[nn.Module, object, object], None]:
    """A hook that records a layer and its output shape; a layer of a flow also returns its volume."""

    def hook(module: nn.Module, _: object, given: Any) -> None:
        given = given[0] if isinstance(given, tuple) else given
        if isinstance(module, nn.LSTM):
            given = given[:, -1]
        shape = tuple(given.shape[1:]) if isinstance(given, Tensor) else ()
        layers.append(Layer(_description(module), shape, _count(module)))

    return hook


def _description(module: nn.Module) -> str:
    """A short description of a layer."""
    name = type(module).__name__
    if isinstance(module, Residual):
        inner = next(m for m in module.modules() if isinstance(m, nn.Conv2d))
        return f"{name}, two {_description(inner)}"
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
