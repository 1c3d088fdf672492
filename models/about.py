"""What a family of models is, for people: its title, its idea in one sentence, and the paper that introduced it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["About"]


@dataclass(frozen=True)
class About:
    """A family of models, for people."""

    title: str  # e.g. "VAE"
    idea: str  # one sentence
    year: int  # of the paper
    paper: str  # title, then authors
    link: str  # to the paper
