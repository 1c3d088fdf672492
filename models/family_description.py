"""The description of a model family that the pages show: title, idea in one sentence, and original paper."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FamilyDescription"]


@dataclass(frozen=True)
class FamilyDescription:
    """The description of a model family."""

    title: str  # e.g. "VAE"
    idea: str  # one sentence
    year: int  # of the paper
    paper: str  # title, then authors
    link: str  # to the paper
