"""Finds the ONNX files of a model from elsewhere, and tells why other kinds of files are refused."""

from __future__ import annotations

__all__ = ["ModelFiles", "find_files"]

from dataclasses import dataclass
from pathlib import Path

from models.data.locations import is_hidden, printable
from models.system.json_input import read_object

OPTIMUM = ("vae_encoder", "vae_decoder")  # folders of a pair as Hugging Face's optimum exports it
MODEL, CONFIG = "model.onnx", "config.json"
CONFIG_BYTES = 1 << 20
FILES_LISTED = 10_000
SCALING = (1e-6, 1e6)
GUIDE = (
    "Export its encoder and decoder to ONNX yourself, where you trust it: docs/export_onnx.md has the script."
)
CODE = "it can run code when it is loaded, so it is never opened here"
REASONS = {
    ".pt2": f"A .pt2 file is refused: {CODE}.",
    ".bin": f"A .bin file of weights is a pickle: {CODE}.",
    ".ckpt": f"A .ckpt file is a pickle: {CODE}.",
    ".pickle": f"A pickle is refused: {CODE}.",
    ".pkl": f"A pickle is refused: {CODE}.",
    ".pt": f"A .pt file may be TorchScript or a pickle: {CODE}.",
    ".pth": f"A .pth file is a pickle: {CODE}.",
    ".ts": f"TorchScript is refused: {CODE}.",
    ".h5": "A .h5 file of Keras is refused: it can hold code.",
    ".keras": "A .keras file is refused: it can hold code.",
    ".safetensors": "A .safetensors file holds weights without the model that computes with them.",
}


@dataclass(frozen=True)
class ModelFiles:
    """The ONNX files of a model: a pair in any order, or a decoder."""

    paths: tuple[Path, ...]
    scalings: tuple[float, ...] = (
        1.0,
    )  # candidates for the factor of the latents between encoder and decoder


def find_files(path: Path) -> ModelFiles:
    """Finds the ONNX files at a path.

    Arguments:
        path: A decoder as an .onnx file; or a folder with `vae_encoder/model.onnx` and `vae_decoder/model.onnx`, or with
            one or two .onnx files.

    Raises:
        ValueError: If there are none, or the path holds another kind of model; the message says what to do.
    """
    if path.is_file():
        if path.suffix.lower() != ".onnx":
            raise ValueError(_refusal(path))
        return ModelFiles((path,))
    if not path.is_dir():
        raise ValueError(
            f"{printable(path)} does not exist. Name an .onnx file, or a folder with an encoder and a decoder."
        )
    exported = tuple(path / folder / MODEL for folder in OPTIMUM if (path / folder / MODEL).is_file())
    if exported:
        return ModelFiles(exported, _scalings(path))
    files = _files(path)
    graphs = [file for file in files if file.suffix.lower() == ".onnx"]
    if len(graphs) > 2:
        named = [file for file in graphs if "encoder" in file.stem.lower() or "decoder" in file.stem.lower()]
        graphs = named if len(named) == 2 else graphs
    if len(graphs) > 2:
        names = ", ".join(printable(file.relative_to(path)) for file in graphs[:5])
        raise ValueError(
            f"{printable(path)} must hold an encoder and a decoder. Got {len(graphs)} .onnx files: {names}. "
            "Put the two into a folder of their own."
        )
    if graphs:
        return ModelFiles(tuple(sorted(graphs, key=lambda file: ("encoder" not in file.stem.lower(), file))))
    other = next((file for file in files if file.suffix.lower() in REASONS), None)
    if other is not None:
        raise ValueError(_refusal(other))
    raise ValueError(f"{printable(path)} holds no .onnx file. {GUIDE}")


def _files(path: Path) -> list[Path]:
    """Lists the files of a folder and of its folders, without hidden ones, sorted."""
    files: list[Path] = []
    for file in [*path.iterdir(), *path.glob("*/*")]:
        if len(files) == FILES_LISTED:
            raise ValueError(
                f"{printable(path)} holds more than {FILES_LISTED:,} files. Name the folder of the model."
            )
        if file.is_file() and not is_hidden(str(file.relative_to(path))):
            files.append(file)
    return sorted(files)


def _refusal(path: Path) -> str:
    """Returns why a file is not opened, and what to do."""
    reason = REASONS.get(path.suffix.lower(), f"{printable(path)[-80:]!r} must end in .onnx.")
    return f"{printable(path)}: {reason} {GUIDE}"


def _scalings(path: Path) -> tuple[float, ...]:
    """Returns the candidates for the scaling: none, and the one of the configuration, multiplied or divided."""
    for folder in (*OPTIMUM, "."):
        file = path / folder / CONFIG
        if not file.is_file() or file.stat().st_size > CONFIG_BYTES:
            continue
        try:
            factor = read_object(file.read_bytes(), printable(file), CONFIG_BYTES).get("scaling_factor")
        except ValueError:
            continue  # the configuration is a hint, which the files do not need
        if isinstance(factor, int | float) and SCALING[0] <= factor <= SCALING[1] and float(factor) != 1:
            return 1.0, float(factor), 1 / factor
    return (1.0,)
