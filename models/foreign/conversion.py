"""Converts folders of diffusers and of pythae to an encoder and a decoder as ONNX files, without running foreign code.

The classes are those of the installed diffusers, or of this file; a folder only gives their settings and their weights.
The conversion runs in a process of its own with bounded memory and time, and what it writes is checked like any ONNX file.
"""

from __future__ import annotations

__all__ = ["DIFFUSERS", "PYTHAE", "Convertible", "convert", "export", "find_convertible"]

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.data.locations import printable
from models.foreign.bounded_process import ask
from models.system.extras import require
from models.system.json_input import read_object

if TYPE_CHECKING:
    from torch import Tensor, nn

DIFFUSERS = ("AutoencoderKL", "AutoencoderTiny", "VQModel", "AutoencoderDC")
PYTHAE = (  # models whose latent is the output `embedding` of the encoder, which the decoder takes
    *(
        "AEConfig",
        "VAEConfig",
        "BetaVAEConfig",
        "DisentangledBetaVAEConfig",
        "BetaTCVAEConfig",
        "FactorVAEConfig",
    ),
    *("InfoVAE_MMD_Config", "WAE_MMD_Config", "IWAEConfig", "MIWAEConfig", "PIWAEConfig", "CIWAEConfig"),
    *("RAE_L2_Config", "RAE_GP_Config", "MSSSIM_VAEConfig", "VAMPConfig"),
)
CONFIG, PYTHAE_CONFIG, PYTHAE_WEIGHTS = "config.json", "model_config.json", "model.pt"
WEIGHTS = "diffusion_pytorch_model"
WEIGHT_BYTES = 1 << 30  # of all files
CONFIG_BYTES = 1 << 20
MEMORY = 12 << 30  # bytes, besides the weights; importing torch takes some
COPIES = 6  # of the weights in memory
SIZE = 64  # px
HIDDEN = 512  # units of pythae's default networks
GUIDE = "Export it yourself, where you trust it: docs/export_onnx.md has the script."


@dataclass(frozen=True)
class Convertible:
    """A folder that can be converted."""

    path: Path
    library: str  # "diffusers" or "pythae"
    name: str  # of the class


def find_convertible(path: Path) -> Convertible | None:
    """Recognises a folder of diffusers or pythae; None if it is another kind of model.

    Raises:
        ValueError: If it is one, but of a class that is not supported, or its weights are stored as a pickle.
    """
    if any(path.glob("*.onnx")) or any(path.glob("vae_*/model.onnx")):  # exported already
        return None
    for folder in (path, path / "vae"):
        if (folder / CONFIG).is_file():
            name = _read(folder / CONFIG).get("_class_name")
            if isinstance(name, str):
                return _diffusers(folder, name)
    if (path / PYTHAE_CONFIG).is_file():
        return _pythae(path)
    return None


def convert(foreign: Convertible, size: int | None, out: Path) -> None:
    """Writes `encoder.onnx` and `decoder.onnx` to a folder.

    Arguments:
        foreign: The folder.
        size: Rows and columns of a picture; 64 if None. pythae's networks have a size of their own.
        out: An existing folder.

    Raises:
        ValueError: If diffusers or ONNX is missing, the folder is damaged, or the size does not fit.
    """
    require("onnx", "An imported model")
    if foreign.library == "diffusers":
        require("diffusers", "A folder of diffusers")
    files = [file for file in foreign.path.iterdir() if file.suffix in (".safetensors", ".pt")]
    total = sum(file.stat().st_size for file in files)
    if total > WEIGHT_BYTES:
        raise ValueError(
            f"{printable(foreign.path)} must have weights of at most {WEIGHT_BYTES >> 20} MiB. Got {total >> 20} MiB."
        )
    request = {
        "library": foreign.library,
        "name": foreign.name,
        "path": os.fsdecode(foreign.path.absolute()),
        "size": size,
        "out": os.fsdecode(out.absolute()),
    }
    ask("export", request, printable(foreign.path), MEMORY + COPIES * total)


def export(request: dict[str, Any]) -> dict[str, object]:
    """Builds a model and exports it, in the process of `bounded_process`."""
    import torch

    path, out = Path(request["path"]), Path(request["out"])
    build = _build_diffusers if request["library"] == "diffusers" else _build_pythae
    try:
        encoder, decoder, pictures = build(path, request["name"], request["size"])
        with torch.no_grad():
            latents = encoder(pictures)
        for network, example, name in ((encoder, pictures, "encoder"), (decoder, latents, "decoder")):
            _write(network, example, out / f"{name}.onnx")
    except Exception as error:  # settings and weights that do not fit fail in many ways
        reason = " ".join(str(error).split())[:300].rstrip(".")
        raise ValueError(
            f"{printable(path)} cannot be converted: {type(error).__name__}, {reason}. {GUIDE}"
        ) from error
    return {}


def _diffusers(folder: Path, name: str) -> Convertible:
    if name not in DIFFUSERS:
        raise ValueError(
            f"{printable(folder)}: diffusers' {name[:80]!r} is not supported. Choose one of: {', '.join(DIFFUSERS)}. "
            f"{GUIDE}"
        )
    if not any(folder.glob(f"{WEIGHTS}*.safetensors")):
        raise ValueError(
            f"{printable(folder)} must hold {WEIGHTS}.safetensors. A .bin file is a pickle, which can run code when it is "
            "loaded, so it is never opened here. Save the model again with `safe_serialization=True`."
        )
    for file in folder.glob(f"{WEIGHTS}*.index.json"):
        parts = _read(file).get("weight_map")
        names = set(parts.values()) if isinstance(parts, dict) else {None}
        if not all(isinstance(each, str) and (folder / each).parent == folder for each in names):
            raise ValueError(f"{printable(file)} must name files of its own folder only.")
    return Convertible(folder, "diffusers", name)


def _pythae(folder: Path) -> Convertible:
    config = _read(folder / PYTHAE_CONFIG)
    name = config.get("name")
    if not isinstance(name, str) or name not in PYTHAE:
        raise ValueError(
            f"{printable(folder)}: pythae's {str(name)[:80]!r} is not supported. Choose one of: {', '.join(PYTHAE)}. {GUIDE}"
        )
    for part in ("encoder", "decoder"):
        if config.get(f"uses_default_{part}") is not True:
            raise ValueError(
                f"{printable(folder)} must have pythae's default {part}. Its own is stored as {part}.pkl, a pickle, which can "
                f"run code when it is loaded, so it is never opened here. {GUIDE}"
            )
    if not (folder / PYTHAE_WEIGHTS).is_file():
        raise ValueError(f"{printable(folder)} must hold {PYTHAE_WEIGHTS}.")
    return Convertible(folder, "pythae", name)


def _read(file: Path) -> dict[str, Any]:
    if file.stat().st_size > CONFIG_BYTES:
        raise ValueError(f"{printable(file)} must have at most {CONFIG_BYTES >> 20} MiB.")
    return read_object(file.read_bytes(), printable(file), CONFIG_BYTES)


def _build_diffusers(path: Path, name: str, size: int | None) -> tuple[nn.Module, nn.Module, Tensor]:
    """Returns encoder, decoder and example pictures of a folder of diffusers."""
    import diffusers
    import torch

    model = getattr(diffusers, name).from_pretrained(
        str(path),
        use_safetensors=True,  # never a pickle
        local_files_only=True,
        low_cpu_mem_usage=False,
        torch_dtype=torch.float32,
    )
    model.eval().requires_grad_(False)

    def encode(x: Tensor) -> Any:
        encoded = model.encode(x)
        if name == "AutoencoderKL":
            return encoded.latent_dist.mean
        return encoded.latent if name == "AutoencoderDC" else encoded.latents

    side = size or SIZE
    pictures = torch.zeros(1, int(model.config.in_channels), side, side)
    return _as_module(encode, model), _as_module(lambda z: model.decode(z).sample, model), pictures


def _build_pythae(path: Path, name: str, size: int | None) -> tuple[nn.Module, nn.Module, Tensor]:
    """Returns encoder, decoder and example pictures of a folder of pythae with its default networks."""
    import math

    import torch
    from torch import nn

    shape, latent = _pythae_sizes(path)
    if size and size not in shape[1:]:
        raise ValueError(f"`--size` must be {shape[1]}, which {printable(path)} fixes. Got {size}.")
    pixels = math.prod(shape)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, latent))
    decoder = nn.Sequential(
        nn.Linear(latent, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, pixels),
        nn.Sigmoid(),
        nn.Unflatten(1, shape),
    )
    weights = torch.load(path / PYTHAE_WEIGHTS, map_location="cpu", weights_only=True)["model_state_dict"]
    names = (
        {"1": "encoder.layers.0.0", "3": "encoder.embedding"},
        {"0": "decoder.layers.0.0", "2": "decoder.layers.1.0"},
    )
    for network, places in zip((encoder, decoder), names, strict=True):
        network.load_state_dict(
            {
                f"{ours}.{kind}": weights[f"{theirs}.{kind}"]
                for ours, theirs in places.items()
                for kind in ("weight", "bias")
            }
        )
        network.eval().requires_grad_(False)
    return encoder, decoder, torch.zeros(1, *shape)


def _pythae_sizes(path: Path) -> tuple[tuple[int, int, int], int]:
    """Returns the shape of pictures (C, H, W) and the dimensions of the latent."""
    config = _read(path / PYTHAE_CONFIG)
    shape, latent = config.get("input_dim"), config.get("latent_dim")
    numbers = [*shape, latent] if isinstance(shape, list) else []
    if len(numbers) != 4 or not all(type(each) is int and 1 <= each <= 1 << 14 for each in numbers):
        raise ValueError(
            f"{printable(path / PYTHAE_CONFIG)}: `input_dim` must be [C, H, W] and `latent_dim` a number. "
            f"Got {str(shape)[:80]} and {str(latent)[:80]}."
        )
    return (numbers[0], numbers[1], numbers[2]), numbers[3]


def _as_module(function: Callable[[Tensor], Any], model: nn.Module) -> nn.Module:
    """Wraps a function of a model as a module, so that it can be exported."""
    from torch import nn

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, x: Tensor) -> Any:
            return function(x)

    return Wrapped().eval()


def _write(network: nn.Module, example: Tensor, path: Path) -> None:
    """Exports a network, with a free number of pictures where its operations allow it."""
    import torch

    with torch.no_grad(), _permuting(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the only exporter without further dependencies is deprecated
        torch.onnx.export(
            network,
            (example,),
            str(path),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": {0: "pictures"}, "output": {0: "pictures"}},
            dynamo=False,
        )


@contextmanager
def _permuting() -> Iterator[None]:
    """Lets `Tensor.movedim` permute, because torch's exporter writes its negative axes as they are, which are invalid."""
    import torch

    original = torch.Tensor.movedim

    def movedim(x: Tensor, source: Any, destination: Any) -> Tensor:
        if not isinstance(source, int) or not isinstance(destination, int):
            return original(x, source, destination)
        order = [axis for axis in range(x.ndim) if axis != source % x.ndim]
        order.insert(destination % x.ndim, source % x.ndim)
        return x.permute(order)

    torch.Tensor.movedim = movedim  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        torch.Tensor.movedim = original  # type: ignore[method-assign]
