"""Somebody's own images: a folder, a zip, Parquet, a WebDataset tar or arrays, with or without labels.

    from models.data import open_images
    found = open_images("~/photos")      # what is there; only headers are decoded
    preparation = propose(found)         # size, fit, labels and splits that suit it
    prepared = prepare(preparation)      # decoded once into the cache folder
    prepared.load("train")               # ImageData, mapped into memory

Files come from outside: they are bounded and checked, and one that cannot be used is listed with its reason.
"""

from __future__ import annotations

__all__ = ["KINDS", "Column", "Item", "Preparation", "Refused"]

from models.data.own.preparation import Preparation
from models.data.own.records import KINDS, Column, Item, Refused
