"""Imports a model from elsewhere as a checkpoint: checks its files, measures its value range, writes files and card."""

from __future__ import annotations

__all__ = ["Imported", "check_out", "import_model"]

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models import checkpoint
from models.card import LATENTS, NAME
from models.collection import fitted
from models.data import OWN, load_data
from models.data.locations import check_output, printable
from models.data.own import Preparation, open_images, prepare, propose
from models.data.own.command import title_of
from models.data.tensors import to_tensor
from models.evaluation.metric import metric
from models.foreign.contact_sheet import write_sheet
from models.foreign.conversion import Convertible, convert, find_convertible
from models.foreign.inspection import Inspected, inspect
from models.foreign.model import DECODER, ENCODER, ForeignConfig, ForeignModel
from models.foreign.model_files import ModelFiles, find_files
from models.foreign.value_range import (
    CHANNELS,
    PSNR_AT_LEAST,
    RANGES,
    Array,
    Candidate,
    guess_range,
    measure,
)
from models.latents import WEIGHTS_KEY, write_table
from models.system.files import make_folder
from models.system.replacing import staging_folder
from models.training.train import versions

Report = Callable[[float, str], None]

PICTURES = 64  # that are measured
DRAWN = "faces"  # data set for RGB models of 64×64 pixels if no images are given
SAMPLES, FEWEST_SAMPLES = 2_000, 64  # of a decoder alone
SAMPLE_BYTES = 1 << 27  # of all samples
SAMPLE_SECONDS = 120.0
SAMPLES_FILE = "samples.npy"
CONVERTED = ".converted"  # folder of ONNX files while a folder of another library is imported
SHEET_ROWS = 4  # best candidates whose reconstructions are drawn
KEPT_CANDIDATES = 6  # best ones that the card records


@dataclass(frozen=True)
class Imported:
    """The result of an import."""

    folder: Path
    config: ForeignConfig
    candidates: tuple[Candidate, ...]  # best first; none for a decoder alone
    encode_ms: float  # per picture, on one thread; 0 for a decoder alone
    decode_ms: float
    warnings: tuple[str, ...]

    @property
    def psnr(self) -> float | None:
        """PSNR of the reconstructions, dB; None for a decoder alone."""
        return self.candidates[0].psnr if self.candidates else None

    def as_json(self) -> dict[str, Any]:
        """Returns the result as plain JSON values."""
        return {
            "folder": str(self.folder),
            "image_shape": list(self.config.image_shape),
            "latent_shape": list(self.config.latent_shape),
            "encoder": bool(self.config.encoder_sha256),
            "input_range": self.config.input_range,
            "output_range": self.config.output_range,
            "channels": self.config.channels,
            "scaling": self.config.scaling,
            "psnr": self.psnr,
            "encode_ms": self.encode_ms,
            "decode_ms": self.decode_ms,
            "candidates": [asdict(each) for each in self.candidates],
            "warnings": list(self.warnings),
        }


def import_model(
    source: Path,
    out: Path,
    *,
    images: Path | None = None,
    size: int | None = None,
    value_range: str = "",
    channels: str = "",
    title: str = "",
    sheet: Path | None = None,
    command: str = "",
    report: Report | None = None,
) -> Imported:
    """Imports an encoder and a decoder, or a decoder alone, as a checkpoint.

    Arguments:
        source: As `find_files` takes it; or a folder of diffusers or pythae, as `find_convertible` does.
        out: Folder of the checkpoint; must be new or empty.
        images: Pictures of the kind that the model was trained on, as `open_images` takes them.
        size: Rows and columns of a picture, if the files do not fix them.
        value_range: One of `RANGES` instead of the best.
        channels: One of `CHANNELS` instead of the best.
        title: Display name; derived from `source` if empty.
        sheet: PNG file to write: pictures, and their reconstructions under the best candidates.
        command: The command that is run, for the card.
        report: Called with the share done, 0 to 1, and the current task.

    Raises:
        ValueError: If a file is refused, the images cannot be read, or `out` cannot be used.
    """
    progress = report or (lambda share, what: None)
    check_out(out)
    if sheet is not None:
        check_output(sheet, "--sheet", (".png",))
    found = find_convertible(source) or find_files(source)
    staging = staging_folder(out)
    shutil.rmtree(staging, ignore_errors=True)
    make_folder(staging)
    try:
        progress(0.0, "Checking the files")
        files = _converted(found, size, staging) if isinstance(found, Convertible) else found
        inspected = inspect(files.paths, size)
        if inspected.layout.encoder < 0 and images is not None:
            raise ValueError(
                "`--images` needs an encoder. A decoder alone is explored with samples; leave it out."
            )
        model = _copied(files, inspected, staging)
        shutil.rmtree(staging / CONVERTED, ignore_errors=True)
        complete = _pair if model.encodes else _alone
        facts = {
            "title": title or title_of(str(source)),
            "command": command,
            "versions": versions() | {"onnxruntime": version("onnxruntime")},
        }
        choice = _Choice(value_range, channels, files.scalings, facts, sheet)
        result = complete(model, inspected, staging, out, images, choice, progress)
        if out.is_dir():
            out.rmdir()
        staging.rename(out.absolute())
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    progress(1.0, "Done")
    return result


@dataclass(frozen=True)
class _Choice:
    """What the user chose, and facts for the card."""

    value_range: str
    channels: str
    scalings: tuple[float, ...]
    facts: dict[str, Any]
    sheet: Path | None

    @property
    def ranges(self) -> tuple[str, ...]:
        return (self.value_range,) if self.value_range else RANGES

    @property
    def orders(self) -> tuple[str, ...]:
        return (self.channels,) if self.channels else CHANNELS


def check_out(out: Path) -> None:
    """Raises ValueError unless a checkpoint can be written to a folder."""
    if not NAME.fullmatch(out.absolute().name):
        raise ValueError(
            "`--out` must be a folder whose name has 1 to 64 lower-case letters, digits, dots, dashes or underscores. "
            f"Got {printable(out)[-80:]!r}."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(
            f"`--out` must be a new or an empty folder. {printable(out)} exists; choose another."
        )


def _converted(found: Convertible, size: int | None, staging: Path) -> ModelFiles:
    """Converts a folder of another library to ONNX files, which are checked like any others."""
    folder = staging / CONVERTED
    make_folder(folder)
    convert(found, size, folder)
    return find_files(folder)


def _copied(files: ModelFiles, inspected: Inspected, folder: Path) -> ForeignModel:
    """Copies the files to a folder under their names of a checkpoint, and opens them there."""
    layout = inspected.layout
    digests = {}
    for name, place in ((ENCODER, layout.encoder), (DECODER, layout.decoder)):
        if place < 0:
            continue
        shutil.copyfile(files.paths[place], folder / name)
        digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if digests[name] != inspected.sha256[place]:
            raise ValueError(
                f"{printable(files.paths[place])} changed while it was imported. Import it again."
            )
    config = ForeignConfig(
        image_shape=layout.image_shape,
        latent_shape=layout.latent_shape,
        decoder_sha256=digests[DECODER],
        decoder_output=layout.decoder_output,
        encoder_sha256=digests.get(ENCODER, ""),
        encoder_output=layout.encoder_output,
        half=layout.half,
        batch=layout.batch,
    )
    return _opened(config, folder)


def _opened(config: ForeignConfig, folder: Path) -> ForeignModel:
    model = ForeignModel(config)
    model.sha256 = model.hashes()
    model.open_files(folder)
    return model.eval()


def _pair(
    model: ForeignModel,
    inspected: Inspected,
    staging: Path,
    out: Path,
    images: Path | None,
    choice: _Choice,
    progress: Report,
) -> Imported:
    """Measures the value range of an encoder and a decoder, and writes the card."""
    data, pictures, about = _pictures(images, model.image_shape, progress)
    progress(0.5, "Measuring the value range")
    x = to_tensor(pictures).numpy()
    candidates = measure(
        model.encode_values,
        model.decode_values,
        x,
        ranges=choice.ranges,
        channels=choice.orders,
        scalings=choice.scalings,
    )
    if choice.sheet is not None:
        write_sheet(choice.sheet, model.encode_values, model.decode_values, x, candidates[:SHEET_ROWS])
    best = candidates[0]
    config = replace(
        model.config,
        input_range=best.input_range,
        output_range=best.output_range,
        channels=best.channels,
        scaling=best.scaling,
    )
    warnings = []
    if images is None:
        warnings.append(
            f"The value range was measured on drawn {DRAWN}. Name pictures like those it knows: `--images`."
        )
    if best.psnr < PSNR_AT_LEAST:
        warnings.append(
            f"The reconstructions have a PSNR of {best.psnr:.1f} dB, below {PSNR_AT_LEAST:.0f}: the model does not fit "
            "these pictures, or takes other values. Set `--range` and `--channels`, or choose other `--images`."
        )
    protocol = f"reconstructions of {best.pictures} {about}, on which the value range was chosen"
    _write(
        config,
        inspected,
        staging,
        out,
        data,
        choice.facts,
        metrics={"psnr": metric(best.psnr, "dB", protocol)},
        candidates=[asdict(each) for each in candidates[:KEPT_CANDIDATES]],
    )
    times = inspected.layout
    return Imported(out, config, tuple(candidates), times.encode_ms, times.decode_ms, tuple(warnings))


def _pictures(
    images: Path | None, shape: tuple[int, int, int], progress: Report
) -> tuple[dict[str, Any], NDArray[np.uint8], str]:
    """Returns the data of the card, pictures of the training split (N, H, W, C), and what they are."""
    channels, height, width = shape
    if images is None:
        drawn = load_data(DRAWN, "train", limit=PICTURES)
        if drawn.image_shape != shape:
            raise ValueError(
                f"The model takes pictures of {channels} channels and {width}×{height} pixels. Name some, of the kind it "
                "was trained on: `--images PATH`."
            )
        return {"name": DRAWN}, drawn.images, f"training images of {DRAWN}"
    found = open_images(images, None, lambda share, what: progress(0.1 + 0.1 * share, what))
    preparation = fitted(propose(found), shape)
    prepared = prepare(preparation, lambda share, what: progress(0.2 + 0.3 * share, what), found)
    split = next((name for name in ("train", "validation") if prepared.splits[name]), None)
    if split is None:
        raise ValueError(
            f"{printable(images)} must have training or validation images, on which the range is chosen."
        )
    chosen = prepared.load(split, PICTURES).images
    return {"name": OWN, "options": preparation.as_options()}, np.asarray(chosen), f"{split} images"


def _alone(
    model: ForeignModel,
    inspected: Inspected,
    staging: Path,
    out: Path,
    images: Path | None,
    choice: _Choice,
    progress: Report,
) -> Imported:
    """Decodes samples of N(0, I), which are the collection of a decoder alone, and writes the card."""
    seconds = max(1e-4, 1e-3 * inspected.layout.decode_ms)
    size = int(np.prod(model.image_shape))
    count = max(FEWEST_SAMPLES, min(SAMPLES, SAMPLE_BYTES // size, int(SAMPLE_SECONDS / seconds)))
    z = np.random.default_rng(0).standard_normal((count, model.spec.size), np.float32)
    first = model.decode_values(z[:FEWEST_SAMPLES])
    if not np.isfinite(first).all():
        raise ValueError(
            "The decoder gives values that are not finite for latents of N(0, I). Check its export."
        )
    chosen = choice.value_range or guess_range(first)
    config = replace(
        model.config, input_range=chosen, output_range=chosen, channels=choice.channels or CHANNELS[0]
    )
    model = _opened(config, staging)
    pictures = _decoded(model, z, progress)
    np.save(staging / SAMPLES_FILE, pictures, allow_pickle=False)
    found = open_images(staging / SAMPLES_FILE)
    fields = fitted(propose(found), model.image_shape).as_options()
    options = fields | {
        "path": str(out.absolute() / SAMPLES_FILE),
        "validation": 0.0,
        "test": 0.0,
        "fit": "stretch",
    }
    data = {"name": OWN, "options": Preparation.from_options(options).as_options()}
    sha256 = _write(config, inspected, staging, out, data, choice.facts)
    write_table(
        staging / LATENTS / "part-00000.parquet",
        ["train"] * count,
        np.arange(count),
        [item.key for item in found.items],
        {"mean": z, "error": np.zeros(count, np.float32)},
        {WEIGHTS_KEY: sha256.encode()},
    )
    warning = f"The value range {chosen!r} is a guess from the decoder's values. Correct it with `--range`."
    warnings = () if choice.value_range else (warning,)
    return Imported(out, config, (), 0.0, inspected.layout.decode_ms, warnings)


def _decoded(model: ForeignModel, z: Array, progress: Report) -> NDArray[np.uint8]:
    """Decodes latents (N, D) to uint8 pictures (N, H, W, C)."""
    parts = []
    for start in range(0, len(z), PICTURES):
        progress(0.2 + 0.7 * start / len(z), "Decoding samples")
        x = model.decode(torch.from_numpy(z[start : start + PICTURES]))
        parts.append(x.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(parts)


def _write(
    config: ForeignConfig,
    inspected: Inspected,
    staging: Path,
    out: Path,
    data: dict[str, Any],
    facts: dict[str, Any],
    *,
    metrics: dict[str, Any] | None = None,
    candidates: list[dict[str, Any]] | None = None,
) -> str:
    """Writes weights and card; returns the hash of the weights, which stands for the ONNX files too."""
    model = ForeignModel(config)
    model.sha256 = model.hashes()
    layout = inspected.layout
    times = {"encode_ms": layout.encode_ms} if layout.encoder >= 0 else {}
    training = {"imported": True, **times, "decode_ms": layout.decode_ms}
    card = checkpoint.write(
        out,
        model,
        into=staging,
        model_name="foreign",
        data=data,
        description="Imported from ONNX files",
        training=training | ({"value_ranges": candidates} if candidates else {}),
        metrics=metrics or {},
        **facts,
    )
    return card.weights_sha256
