r"""A model that was trained elsewhere, as two ONNX files: an encoder and a decoder, or a decoder alone.

z = f(x),   x_hat = g(s z)

f and g are graphs that ONNX Runtime runs on the CPU; s is the scaling of the latents between them. A grid of C×H×W
latents is a flat vector for maps, paths and directions, and is shaped for the decoder. The model has no gradients, and it
is not trained here. A pair has no known prior; a decoder alone is sampled from N(0, I), as generators are.

References:
    | Open Neural Network Exchange: the format of the files
    | https://onnx.ai
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
import torch
from torch import Tensor

from models.base import Autoencoder, LatentSpec, Level, Posterior
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import LATENT_AT_MOST, ImageConfig
from models.family_description import FamilyDescription
from models.foreign.graph_check import FILE_BYTES
from models.foreign.inspection import ensure_inspected
from models.foreign.layout import BATCH_AT_MOST, Layout, halved
from models.foreign.runtime import Array, Graph
from models.foreign.value_range import CHANNELS, RANGES, from_model, to_model

__all__ = ["DECODER", "ENCODER", "ForeignConfig", "ForeignModel"]

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"  # files beside the card
SHA256 = re.compile(r"[0-9a-f]{64}")
NAME_LENGTH = 200  # characters of the name of an output


@dataclass(frozen=True)
class ForeignConfig(ImageConfig):
    """Configuration of an imported model."""

    latent_shape: tuple[int, ...] = setting((1,), "shape of a latent, (D,) or (C, H, W)")
    decoder_sha256: str = setting("0" * 64, "SHA-256 of decoder.onnx")
    decoder_output: str = setting("sample", "output of the decoder that is the picture")
    encoder_sha256: str = setting("", "SHA-256 of encoder.onnx; empty for a decoder alone")
    encoder_output: str = setting("", "output of the encoder that is the latent")
    half: bool = setting(False, "the latent is the first half of the encoder's output, before log-variances")
    scaling: float = setting(1.0, "factor of the latents between encoder and decoder", low=1e-6, high=1e6)
    input_range: str = setting("unit", "values of the pixels that the encoder takes", choices=RANGES)
    output_range: str = setting("unit", "values of the pixels that the decoder gives", choices=RANGES)
    channels: str = setting("rgb", "order of the channels", choices=CHANNELS)
    batch: int = setting(1, "pictures that are computed at once", low=1, high=BATCH_AT_MOST)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.latent_shape) not in (1, 3) or min(self.latent_shape) < 1:
            raise ValueError(f"`latent_shape` must be (D,) or (C, H, W). Got {self.latent_shape}.")
        size = int(np.prod(self.latent_shape, dtype=np.float64))
        if size > LATENT_AT_MOST:
            raise ValueError(f"`latent_shape` must have at most {LATENT_AT_MOST:,} dimensions. Got {size:,}.")
        for name in ("decoder_sha256", "encoder_sha256"):
            value = getattr(self, name)
            if not SHA256.fullmatch(value) and (value or name == "decoder_sha256"):
                raise ValueError(f"`{name}` must be 64 hexadecimal digits. Got {value[:80]!r}.")
        for name in ("decoder_output", "encoder_output"):
            if len(getattr(self, name)) > NAME_LENGTH:
                raise ValueError(f"`{name}` must have at most {NAME_LENGTH} characters.")

    @property
    def layout(self) -> Layout:
        """How the files are used, if they are given as encoder and decoder, or as the decoder alone."""
        pair = bool(self.encoder_sha256)
        channels, height, width = self.image_shape
        return Layout(
            image_shape=(channels, height, width),
            latent_shape=self.latent_shape,
            decoder=int(pair),
            decoder_output=self.decoder_output,
            encoder=0 if pair else -1,
            encoder_output=self.encoder_output,
            half=self.half,
            batch=self.batch,
        )


class ForeignModel(Autoencoder):
    """An encoder and a decoder as ONNX files; `open_files` must be called before it encodes or decodes."""

    Config: ClassVar[type[Any]] = ForeignConfig
    description = FamilyDescription(
        title="Imported",
        idea="A model that was trained elsewhere and imported as ONNX files.",
        year=2017,
        paper="Open Neural Network Exchange (the format of the files)",
        link="https://onnx.ai",
    )
    exportable = False

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        grid = config.latent_shape if len(config.latent_shape) == 3 else None
        levels = (Level("grid", grid),) if grid else ()
        self.encodes = bool(config.encoder_sha256)
        self.spec = LatentSpec(
            (int(np.prod(config.latent_shape)),),
            levels,
            prior=not self.encodes,
            likelihood="none",
            encodes=self.encodes,
        )
        # The weights file holds the hashes, so that the SHA-256 of the card stands for the ONNX files too.
        self.register_buffer("sha256", torch.zeros(2, 32, dtype=torch.uint8))
        self._graphs: dict[str, Graph] = {}
        self._file_bytes = 0

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        return Criterion(
            r"\text{unknown}",
            "The model was trained elsewhere, and its files do not tell by which loss.",
            {},
        )

    @property
    def nbytes(self) -> int:
        return super().nbytes + self._file_bytes

    @property
    def files(self) -> dict[str, str]:
        """Name -> SHA-256 of the ONNX files beside the card."""
        pair = {ENCODER: self.config.encoder_sha256} if self.encodes else {}
        return pair | {DECODER: self.config.decoder_sha256}

    def hashes(self) -> Tensor:
        """Returns the hashes of the configuration as the weights file holds them: uint8 (2, 32), encoder first."""
        rows = [
            bytes.fromhex(each or "0" * 64)
            for each in (self.config.encoder_sha256, self.config.decoder_sha256)
        ]
        return torch.tensor([list(row) for row in rows], dtype=torch.uint8)

    def read_files(self, folder: Path) -> dict[str, bytes]:
        """Reads the ONNX files of a folder and compares them with their SHA-256.

        Raises:
            ValueError: If a file is missing, too large, or was changed.
        """
        content: dict[str, bytes] = {}
        for name, expected in self.files.items():
            content[name] = read_graph(folder / name)
            digest = hashlib.sha256(content[name]).hexdigest()
            if digest != expected:
                raise ValueError(
                    f"{folder / name} has the SHA-256 {digest[:12]}…, but its card records {expected[:12]}…. "
                    "The file was changed or truncated. Copy it again, or import the model again."
                )
        return content

    def open_files(self, folder: Path) -> None:
        """Reads and compiles the ONNX files.

        Files that were not checked on this machine before are first checked in a process of their own.

        Raises:
            ValueError: If ONNX Runtime is missing, or a file is missing, was changed, or is refused.
        """
        if not torch.equal(self.get_buffer("sha256").cpu(), self.hashes()):
            raise ValueError(
                f"{folder}: the card names other ONNX files than the weights. Import them again."
            )
        content = self.read_files(folder)
        ensure_inspected([folder / name for name in content], self.config.layout, list(self.files.values()))
        threads = torch.get_num_threads()
        self._graphs = {name: Graph(raw, str(folder / name), threads) for name, raw in content.items()}
        self._file_bytes = sum(map(len, content.values()))

    def encode(self, x: Tensor) -> Posterior:
        """Encodes images (B, C, H, W) in [0, 1] to latents (B, D), without a standard deviation."""
        if not self.encodes:
            raise ValueError("This model is a decoder without an encoder: it cannot encode pictures.")
        latents = self.encode_values(to_model(_numbers(x), self.config.input_range, self.config.channels))
        return Posterior(torch.from_numpy(latents).to(x.device))

    def decode(self, z: Tensor) -> Tensor:
        """Decodes latents (B, D) to pictures (B, C, H, W) in [0, 1]."""
        values = self.decode_values(np.float32(self.config.scaling) * _numbers(z))
        return torch.from_numpy(from_model(values, self.config.output_range, self.config.channels)).to(
            z.device
        )

    def encode_values(self, values: Array) -> Array:
        """Encodes pictures (B, C, H, W), in the range and order of channels of the encoder, to latents (B, D)."""
        latents = self._run(ENCODER, values, self.config.encoder_output)
        latents = halved(latents) if self.config.half else latents
        return np.ascontiguousarray(latents).reshape(len(values), self.spec.size)

    def decode_values(self, z: Array) -> Array:
        """Decodes scaled latents (B, D) to pictures (B, C, H, W), in the range and order of the decoder."""
        latents = z.reshape(len(z), *self.config.latent_shape)
        return self._run(DECODER, latents, self.config.decoder_output)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> NoReturn:
        """Raises ValueError, since the model is not trained here."""
        raise ValueError("An imported model cannot be trained. Train a model of this list instead.")

    def _run(self, name: str, values: Array, output: str) -> Array:
        """Runs a graph on the batch sizes for which it was checked: `batch`, and 1 for the rest."""
        if name not in self._graphs:
            raise ValueError("The ONNX files of this model are not open. Load it with `models.load`.")
        graph, batch = self._graphs[name], self.config.batch
        whole = len(values) // batch * batch
        parts = [values[start : start + batch] for start in range(0, whole, batch)]
        parts += [values[row : row + 1] for row in range(whole, len(values))]
        outputs = [graph.run(part, output) for part in parts]
        if not outputs:
            shape = self.image_shape if name == DECODER else self.config.latent_shape
            return np.empty((0, *shape), np.float32)
        return np.concatenate(outputs)


def read_graph(path: Path) -> bytes:
    """Reads an ONNX file.

    Raises:
        ValueError: If it is missing or too large.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing. Copy it again, or import the model again.")
    if path.stat().st_size > FILE_BYTES:
        raise ValueError(
            f"{path} must have at most {FILE_BYTES >> 20} MiB. Got {path.stat().st_size >> 20} MiB."
        )
    return path.read_bytes()


def _numbers(values: Tensor) -> Array:
    """Converts a tensor to float32 for ONNX Runtime.

    Raises:
        ValueError: If gradients are wanted, which ONNX Runtime does not compute.
    """
    if values.requires_grad and torch.is_grad_enabled():
        raise ValueError("An imported model has no gradients. Choose a model that was trained here.")
    return values.detach().float().cpu().numpy()
