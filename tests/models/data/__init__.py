"""Tests of the data sets."""

from __future__ import annotations

__all__ = ["NEEDS_DATA"]

import os

import pytest

NEEDS_DATA = pytest.mark.skipif(
    not os.environ.get("LATENT_DATA_DIR"),
    reason="LATENT_DATA_DIR is not set: the real image files are not at hand",
)
