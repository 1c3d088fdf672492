"""A view: a map of the latent space, the way there and back, and where the items lie on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explorer.latent.geometry.projections import (
    Projection,
    ScatterProjection,
)

__all__ = ["UnknownView", "View"]


class UnknownView(ValueError):
    """The model has no view of this id, with the reason."""


@dataclass(eq=False)
class View:
    """A map: the way there and back, and where the items lie."""

    id: str
    projection: Projection
    xy: NDArray[np.float32]  # (N, 2)
    axes: tuple[str, str]  # what x and y are, empty where they mean nothing
    trust: NDArray[np.float32] | None = None  # (N,) share of each item's neighbours that it keeps, once asked
    homes: dict[int, NDArray[np.float32]] = field(
        default_factory=dict
    )  # places (2,) of own pictures, once asked

    @property
    def linear(self) -> bool:
        """Whether the map is a plane through latent space, exact both ways."""
        return self.projection.linear

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        nodes = self.projection.nodes.nbytes if isinstance(self.projection, ScatterProjection) else 0
        return self.xy.nbytes + nodes
