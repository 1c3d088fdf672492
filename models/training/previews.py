"""The pictures of a training under way: `previews.safetensors`, replaced each time, deleted at the end.

Always the same validation images, how they are reconstructed now, and pictures decoded from always the same draws of
the prior. Reading them needs no torch.
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
    """Pictures uint8 (N, H, W, C), and the moment they show."""

    step: int  # steps taken
    seconds: float  # of training
    originals: NDArray[np.uint8]
    reconstructions: NDArray[np.uint8]
    samples: NDArray[np.uint8]  # (0, H, W, C) where the model has no prior that is drawn from at once


def write_previews(folder: Path, previews: Previews) -> None:
    """Writes the file whole."""
    pictures = {name: np.ascontiguousarray(getattr(previews, name)) for name in NAMES}
    about = {"step": str(previews.step), "seconds": f"{previews.seconds:.1f}"}
    content = save(pictures, metadata=about)
    replace_file(folder / PREVIEWS, lambda path: path.write_bytes(content))


def read_previews(folder: Path) -> Previews | None:
    """The previews of the training in a folder; None where there are none.

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
        raise ValueError(f"{path} is damaged ({error}). It is replaced when the training goes on.") from error
    for name, each in pictures.items():
        if each.dtype != np.uint8 or each.ndim != 4:
            raise ValueError(f"{path}: {name!r} must be uint8 (N, H, W, C). Got {each.dtype} {each.shape}.")
    return Previews(step, seconds, **pictures)
