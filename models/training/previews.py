"""Previews of a running training: `previews.safetensors`, replaced by each preview and deleted at the end.

A preview shows fixed validation images, their current reconstructions, and pictures decoded from fixed draws of the
prior. Reading it does not import torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from models.system.files import replace_file

__all__ = ["PREVIEWS", "Previews", "read_previews", "write_previews"]

PREVIEWS = "previews.safetensors"
NAMES = ("originals", "reconstructions", "samples")


@dataclass(frozen=True)
class Previews:
    """Pictures uint8 (N, H, W, C) of a training, and when they were made."""

    step: int  # number of steps
    seconds: float  # training time
    originals: NDArray[np.uint8]
    reconstructions: NDArray[np.uint8]
    samples: NDArray[np.uint8]  # (0, H, W, C) if the model has no prior that can be sampled quickly


def write_previews(folder: Path, previews: Previews) -> None:
    """Writes the file atomically."""
    pictures = {name: np.ascontiguousarray(getattr(previews, name)) for name in NAMES}
    about = {"step": str(previews.step), "seconds": f"{previews.seconds:.1f}"}
    content = save(pictures, metadata=about)
    replace_file(folder / PREVIEWS, lambda path: path.write_bytes(content))


def read_previews(folder: Path) -> Previews | None:
    """Reads the previews of the training in a folder; None if there are none.

    Raises:
        ValueError: If the file is damaged.
    """
    path = folder / PREVIEWS
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata()
            pictures = {name: file.get_tensor(name) for name in NAMES}
        step, seconds = int(about["step"]), float(about["seconds"])
    except FileNotFoundError:
        return None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}). The running training replaces it.") from error
    for name, each in pictures.items():
        if each.dtype != np.uint8 or each.ndim != 4:
            raise ValueError(f"{path}: {name!r} must be uint8 (N, H, W, C). Got {each.dtype} {each.shape}.")
    return Previews(step, seconds, **pictures)
