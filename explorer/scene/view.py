"""A view: a map of the latent space with its inverse projection and the positions of the items."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explorer.latent.geometry.projections import (
    Projection,
    ScatterProjection,
)
from explorer.latent.geometry.quantised import Grid

__all__ = ["UnknownView", "View"]


class UnknownView(ValueError):
    """The model has no view of this id; the message gives the reason."""


@dataclass(eq=False)
class View:
    """A map with its inverse projection, and the positions of the items."""

    id: str
    projection: Projection
    xy: NDArray[np.float32]  # (N, 2)
    axes: tuple[str, str]  # axis titles; empty if the axes have no meaning
    # (N,), share of each item's neighbours that the map preserves; computed on first use.
    trust: NDArray[np.float32] | None = None
    grid: Grid | None = None  # that the positions of many points are rounded to
    homes: dict[int, NDArray[np.float32]] = field(default_factory=dict)  # positions (2,) of uploads, cached

    @property
    def linear(self) -> bool:
        """Whether the map is a plane through latent space, exact in both directions."""
        return self.projection.linear

    @property
    def nbytes(self) -> int:
        """Memory use, bytes."""
        nodes = self.projection.nodes.nbytes if isinstance(self.projection, ScatterProjection) else 0
        return self.xy.nbytes + nodes
