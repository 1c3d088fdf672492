"""Images of the user: a folder, a zip, Parquet, a WebDataset tar or arrays, with or without labels.

    from models.data.own import open_images, prepare, propose

    found = open_images("~/photos")      # lists the images; only headers are decoded
    preparation = propose(found)         # suitable size, fit, labels and splits
    prepared = prepare(preparation)      # decodes them once, to the cache folder
    prepared.load("train")               # ImageData, memory-mapped

Files are untrusted input: they are bounded and checked, and unusable ones are listed with the reason.
"""

from __future__ import annotations

__all__ = [
    "KINDS",
    "Column",
    "FoundImages",
    "Item",
    "Preparation",
    "Prepared",
    "Refused",
    "bytes_needed",
    "open_images",
    "prepare",
    "prepared_folder",
    "preview",
    "propose",
    "shape_of",
    "splits_of",
]

from models.data.own.cache import Prepared, prepare, prepared_folder
from models.data.own.found import FoundImages
from models.data.own.labels import splits_of
from models.data.own.opening import open_images
from models.data.own.preparation import Preparation
from models.data.own.proposal import bytes_needed, preview, propose, shape_of
from models.data.own.records import KINDS, Column, Item, Refused
