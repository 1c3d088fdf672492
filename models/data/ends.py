"""Names for the two ends of continuous attributes, by data set, for the search."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ENDS"]

# Data set -> attribute -> the low and the high end.
ENDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "faces": {
        "head_turn": ("turned left", "turned right"),
        "smile": ("frown", "smile"),
        "mouth_opening": ("mouth closed", "mouth open"),
        "eye_opening": ("eyes shut", "eyes open"),
        "brow": ("brow lowered", "brow raised"),
        "hair_length": ("short hair", "long hair"),
        "hair_colour": ("black hair", "blond hair"),
        "skin_tone": ("light skin", "dark skin"),
        "face_width": ("narrow face", "wide face"),
        "light": ("light from the left", "light from the right"),
    },
}
