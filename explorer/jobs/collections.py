"""Jobs that encode the user's images with a checkpoint as a collection, and fit its UMAP map afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.atlas.build import add_umap, build
from explorer.atlas.storage import load_atlas
from explorer.atlas.umap_maps import FEWEST
from explorer.jobs.runner import Job, Report, start
from models import checkpoint
from models.collection import collection_folder, encode_collection

__all__ = ["MapRequest", "Request", "encode", "fit_first_map", "lacks_map", "start_map"]

REFUSED_AT_MOST = 1000  # unusable files listed in a result
ENCODING = 0.85  # share of the time spent on encoding


@dataclass(frozen=True)
class Request:
    """Which images to encode, and with which checkpoint."""

    model: str  # name or folder of a checkpoint
    source: str  # path of the images
    labels: str = ""  # path of a table; "" for none
    fit: str = ""  # crop, pad or stretch; "" to choose by the images
    out: str = ""  # folder to write; "" for one in the folder of new runs


@dataclass(frozen=True)
class MapRequest:
    """The atlas whose UMAP map to fit."""

    model: str  # name or folder


def encode(request: Request, report: Report) -> dict[str, Any]:
    """Encodes images and builds their atlas with the map of principal components only, so that it opens at once.

    Returns:
        `name` and `folder` of the collection, the number of `images`, the `psnr` of their reconstructions in dB,
        whether the checkpoint `fits` them, and the `refused` files, each a name and a reason.

    Raises:
        ValueError: If the images or the checkpoint cannot be used.
        StorageError: If the collection cannot be written.
    """
    out = Path(request.out) if request.out else collection_folder(request.model, request.source)
    made = encode_collection(
        request.model,
        request.source,
        out,
        labels=Path(request.labels) if request.labels else None,
        fit=request.fit,
        report=lambda share, what: report(ENCODING * share, what),
    )
    build(made.folder, report=lambda share, what: report(ENCODING + (1 - ENCODING) * share, what), umap=False)
    return {
        "name": made.folder.name,
        "folder": str(made.folder),
        "images": made.images,
        "psnr": made.psnr,
        "fits": made.fits,
        "refused": [[each.name, each.reason] for each in made.refused[:REFUSED_AT_MOST]],
    }


def fit_first_map(request: MapRequest, report: Report) -> dict[str, Any]:
    """Fits the UMAP map of an atlas that was built without one.

    Returns:
        The number of `images`.

    Raises:
        ValueError: If there is no atlas, or it has been rebuilt in the meantime.
    """
    return {"images": add_umap(request.model, report)}


def lacks_map(name: str | Path) -> bool:
    """Whether an atlas has no UMAP map yet and is large enough for one.

    Raises:
        ValueError: If there is no atlas.
    """
    atlas = load_atlas(checkpoint.read(name))
    return "umap" not in atlas.maps and atlas.mean.shape[1] > 2 and len(atlas) >= FEWEST


def start_map(name: str | Path) -> Job:
    """Starts the job that fits the UMAP map of an atlas, or returns it if it is running.

    Raises:
        OSError: If no process can be started.
    """
    return start(fit_first_map, MapRequest(str(name)), key=("first map", str(name)))
