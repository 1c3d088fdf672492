"""Somebody's own images: a folder, a zip, Parquet, a WebDataset tar or arrays, with or without labels.

    from models.data.own import open_images, prepare, propose

    found = open_images("~/photos")      # what is there; only headers are decoded
    preparation = propose(found)         # size, fit, labels and splits that suit it
    prepared = prepare(preparation)      # decoded once into the cache folder
    prepared.load("train")               # ImageData, mapped into memory

Files come from outside: they are bounded and checked, and one that cannot be used is listed with its reason.
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
