r"""Two-dimensional maps of the latent space with their inverses, and the latent of a dragged handle.

Linear views: xy = (z - o) B^+T forward, z = o + B xy back, exactly. Scatter maps (UMAP): back through a smooth field
of latents over the map, fitted once on a regular grid and interpolated in constant time; forward through the nearest
items in latent space. `place` keeps an item's residual, the part of its latent that the map cannot show.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.blocks import blocks, moments
from explorer.latent.geometry.field import fit_field, stencil
from explorer.latent.geometry.principal import principal
from explorer.latent.neighbours.exact import Neighbours, NeighbourSearch

__all__ = [
    "RESIDUALS",
    "LinearProjection",
    "Projection",
    "Residual",
    "ScatterProjection",
    "jitter",
    "place",
]

Floats = NDArray[np.float32]
Residual = Literal["hold", "fade"]

RESIDUALS: tuple[Residual, ...] = ("hold", "fade")
FADE = 0.2  # of the map's root-mean-square radius; distance at which a fading residual is down to exp(-1/2)
PARALLEL = 1e-3  # sine of the angle under which two vectors count as parallel
FORWARD_NEIGHBOURS = 15
STRIP = ((1.0, 0.0),)  # basis for a one-dimensional latent space
STRIP_HEIGHT = 0.3  # of the strip's width
STRIP_SEED = 0
STRIP_BINS = 48


class Projection(Protocol):
    """A map of the latent space."""

    fade: float  # map distance over which a fading residual falls to exp(-1/2)

    @property
    def linear(self) -> bool:
        """Whether both directions are exact."""
        ...

    def forward(self, z: ArrayLike) -> Floats:
        """Map positions (M, 2) of latents (M, D)."""
        ...

    def inverse(self, xy: ArrayLike) -> Floats:
        """Latents (M, D) of map positions (M, 2)."""
        ...


class LinearProjection:
    """A plane through latent space: z = origin + basis xy."""

    linear = True

    def __init__(self, origin: ArrayLike, basis: ArrayLike, fade: float = 1.0) -> None:
        """Creates the plane.

        Arguments:
            origin: The latent at (0, 0), shape (D,).
            basis: One map unit along x and along y, shape (D, 2); need not be orthogonal.
            fade: Map distance over which a fading residual falls to exp(-1/2).

        Raises:
            ValueError: If shapes do not match, a value is not finite, or the axes are parallel or zero. The second
                axis of a one-dimensional latent space may be zero.
        """
        self.origin = np.asarray(origin, np.float64)
        self.basis = np.asarray(basis, np.float64)
        self.fade = fade
        size = self.origin.shape[0] if self.origin.ndim == 1 else -1
        if self.basis.shape != (size, 2):
            raise ValueError(
                f"`origin` and `basis` must have the shapes (D,) and (D, 2). "
                f"Got {self.origin.shape} and {self.basis.shape}."
            )
        if not (np.isfinite(self.origin).all() and np.isfinite(self.basis).all()):
            raise ValueError("`origin` and `basis` must be finite. Got NaN or infinity.")
        if size > 1 or self.basis[:, 1].any():
            _check_plane(self.basis)
        self._coordinates = np.linalg.pinv(self.basis).T  # (D, 2): least squares

    @classmethod
    def through(cls, mean: ArrayLike, origin: ArrayLike, basis: ArrayLike) -> LinearProjection:
        """A plane whose fade scale fits the latents `mean`, shape (N, D)."""
        plane = cls(origin, basis)
        plane.fade = _fade(plane.forward(mean))
        return plane

    @classmethod
    def pca(cls, mean: ArrayLike) -> LinearProjection:
        """The plane of the first two principal components of latents (N, D), through their mean; a strip if D = 1.

        Components have unit length; the largest entry of each is positive.

        Raises:
            ValueError: If D > 1 and the latents vary along fewer than two directions.
        """
        latents = _codes(mean)
        centre = moments(latents)[0]
        if latents.shape[1] == 1:
            return cls.through(latents, centre, STRIP)
        basis = principal(latents)
        largest = basis[np.abs(basis).argmax(0), [0, 1]]
        return cls.through(latents, centre, basis * np.where(largest < 0, -1.0, 1.0))

    @classmethod
    def strip(cls, mean: ArrayLike) -> LinearProjection:
        """A one-dimensional latent space, latents (N, 1), along x; y has no effect.

        Raises:
            ValueError: If there are more dimensions.
        """
        return cls.through(_codes(mean), np.zeros(1), STRIP)

    @classmethod
    def dimensions(cls, mean: ArrayLike, i: int, j: int) -> LinearProjection:
        """Dimension `i` along x, `j` along y; the others at their mean over latents (N, D).

        Raises:
            ValueError: If `i` and `j` are equal or out of range.
        """
        latents = _codes(mean)
        size = latents.shape[1]
        if i == j or not (0 <= i < size and 0 <= j < size):
            raise ValueError(f"`i` and `j` must be two dimensions of 0..{size - 1}. Got {i} and {j}.")
        origin = moments(latents)[0]
        origin[[i, j]] = 0.0
        basis = np.zeros((size, 2))
        basis[i, 0] = basis[j, 1] = 1.0
        return cls.through(latents, origin, basis)

    @classmethod
    def plane(cls, mean: ArrayLike, u: ArrayLike, v: ArrayLike) -> LinearProjection:
        """The plane of two directions (D,) through the mean of latents (N, D); one map unit is one direction.

        Raises:
            ValueError: If `u` and `v` are parallel or zero.
        """
        latents = _codes(mean)
        basis = np.stack([np.asarray(u, np.float64), np.asarray(v, np.float64)], axis=-1)
        _check_plane(basis)
        return cls.through(latents, moments(latents)[0], basis)

    def forward(self, z: ArrayLike) -> Floats:
        """Least-squares coordinates (M, 2) of latents (M, D)."""
        latents = np.asarray(z)
        xy = np.empty((len(latents), 2), np.float32)
        for rows in blocks(len(latents)):
            xy[rows] = (latents[rows] - self.origin) @ self._coordinates
        return xy

    def inverse(self, xy: ArrayLike) -> Floats:
        """The latents (M, D) of the plane at positions (M, 2)."""
        return (self.origin + np.asarray(xy, np.float64) @ self.basis.T).astype(np.float32)


class ScatterProjection:
    """A map of scattered items, such as a UMAP; its inverse is a smooth field on a grid of nodes."""

    linear = False

    def __init__(
        self,
        nodes: ArrayLike,
        low: ArrayLike,
        high: ArrayLike,
        neighbours: NeighbourSearch,
        xy: ArrayLike,
        fade: float,
    ) -> None:
        """Creates a map from known node values; `fit` computes them.

        Arguments:
            nodes: Latents at the nodes, shape (ny, nx, D), nx and ny at least 2.
            low: Position of nodes[0, 0], shape (2,).
            high: Position of nodes[-1, -1], shape (2,).
            neighbours: The items' latents, for the forward projection.
            xy: The items' map positions, shape (N, 2).
            fade: Map distance over which a fading residual falls to exp(-1/2).
        """
        self.nodes = np.ascontiguousarray(nodes, np.float32)
        self.low = np.asarray(low, np.float64)
        self.high = np.asarray(high, np.float64)
        self.neighbours = neighbours
        self.xy = np.ascontiguousarray(xy, np.float32)
        self.fade = fade
        rows, columns, size = self.nodes.shape
        self._flat = self.nodes.reshape(-1, size)
        self._counts = np.array([columns, rows])
        self._scale = (self._counts - 1) / (self.high - self.low)

    @classmethod
    def fit(
        cls,
        xy: ArrayLike,
        z: ArrayLike,
        *,
        neighbours: NeighbourSearch | None = None,
        nodes: int | None = None,
    ) -> ScatterProjection:
        """Fits the field of latents to the items, a thin plate under tension (`explorer.latent.geometry.field`).

        Arguments:
            xy: Map positions of the items, shape (N, 2).
            z: Their latents, shape (N, D).
            neighbours: The same latents indexed; built if None.
            nodes: Nodes along the longer side; chosen from the spacing of the items if None.

        Raises:
            ValueError: If the shapes do not match, a value is not finite, or all items lie on one point or line.
        """
        field = fit_field(xy, z, nodes=nodes)
        near: NeighbourSearch = Neighbours(z) if neighbours is None else neighbours
        return cls(field.nodes, field.low, field.high, near, xy, _fade(xy))

    def forward(self, z: ArrayLike) -> Floats:
        """Map positions (M, 2) of latents (M, D): the kernel mean over their nearest items."""
        return self.forward_nearest(*self.neighbours.nearest(z, self.forward_count))

    @property
    def forward_count(self) -> int:
        """Number of neighbours that `forward_nearest` needs."""
        return min(FORWARD_NEIGHBOURS, len(self.xy))

    def forward_nearest(self, index: NDArray[np.int64], distance: NDArray[np.float64]) -> Floats:
        """Map positions (M, 2) of latents from their nearest items.

        Arguments:
            index: Nearest items, nearest first, shape (M, k).
            distance: Their distances, shape (M, k).
        """
        weights = _kernel(distance[:, :-1], distance[:, -1:])
        xy: Floats = np.einsum("mk,mkc->mc", weights, self.xy[index[:, :-1]]).astype(np.float32)
        return xy

    def inverse(self, xy: ArrayLike) -> Floats:
        """Latents (M, D) at positions (M, 2), by cubic convolution between the nodes.

        Continuously differentiable; positions outside the grid are clamped to its edge.
        """
        index, weight = stencil((np.asarray(xy, np.float64) - self.low) * self._scale, self._counts)
        latents: Floats = np.matmul(weight[:, None].astype(np.float32), self._flat[index])[:, 0]
        return latents


def place(
    projection: Projection,
    xy: ArrayLike,
    anchor_xy: ArrayLike,
    anchor_z: ArrayLike,
    residual: Residual = "hold",
) -> Floats:
    r"""The latent of an item dragged from its position to `xy`.

    z = inverse(xy) + r (anchor_z - inverse(anchor_xy)),   r = 1 (hold), or exp(-d^2 / 2 fade^2) at
    map distance d

    Arguments:
        projection: The map.
        xy: Where the handle is, shape (2,) or (M, 2).
        anchor_xy: Where the item is, same shape.
        anchor_z: The item's latent, shape (D,) or (M, D).
        residual: Whether the part of the latent that the map cannot show is held or fades with the distance.

    Returns:
        float32, shape of `anchor_z`; exactly `anchor_z` where `xy` equals `anchor_xy` in float32.

    Raises:
        ValueError: If `residual` is neither "hold" nor "fade".
    """
    if residual not in RESIDUALS:
        raise ValueError(f"`residual` must be one of: {', '.join(RESIDUALS)}. Got {residual!r}.")
    latent = np.asarray(anchor_z, np.float32)
    here = np.asarray(xy, np.float32).reshape(-1, 2)
    there = np.asarray(anchor_xy, np.float32).reshape(-1, 2)
    latents = latent.reshape(len(here), -1)
    count = len(here)
    both = projection.inverse(np.concatenate([here, there]))
    rest = latents - both[count:]
    moved = here.astype(np.float64) - there
    if residual == "fade":
        square = np.einsum("mc,mc->m", moved, moved)
        rest *= np.exp(-0.5 * square / projection.fade**2).astype(np.float32)[:, None]
    placed = both[:count] + rest
    still = ~moved.any(1)
    placed[still] = latents[still]
    return placed.reshape(latent.shape)


def jitter(x: ArrayLike, seed: int = STRIP_SEED) -> Floats:
    """Random heights (N,) for points x (N,) on a strip, with a spread proportional to their density.

    The outline shows the density; a single height has no meaning. The same seed gives the same heights.
    """
    places = np.asarray(x, np.float64)
    low, high = float(places.min()), float(places.max())
    if low == high:
        low, high = low - 1.0, high + 1.0
    counts, edges = np.histogram(places, STRIP_BINS, (low, high))
    smooth = np.convolve(np.pad(counts, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    density = np.interp(places, (edges[:-1] + edges[1:]) / 2, smooth / smooth.max())
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, len(places))
    heights: Floats = (STRIP_HEIGHT * (high - low) * density * noise).astype(np.float32)
    return heights


def _kernel(distance: NDArray[np.float64], support: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (1 - (d/h)^2)^2, normalised to sum to 1 per row; uniform if all items are equally far.

    Far from the items d/h approaches 1 for all; the product form of 1 - (d/h)^2 avoids cancellation.
    """
    span = np.where(support > 0, support, 1.0)
    weights = ((span - distance) * (span + distance) / span**2) ** 2
    total = weights.sum(1, keepdims=True)
    flat = total <= np.finfo(np.float64).tiny
    even: NDArray[np.float64] = np.where(flat, 1.0 / distance.shape[1], weights / np.where(flat, 1.0, total))
    return even


def _fade(xy: ArrayLike) -> float:
    """The fade distance for items at map positions (N, 2)."""
    positions = np.asarray(xy, np.float64)
    radius = float(np.sqrt(positions.var(0).sum()))
    return FADE * radius if radius > 0 else 1.0


def _codes(mean: ArrayLike) -> NDArray[np.floating]:
    latents: NDArray[np.floating] = np.asarray(mean)
    if latents.ndim != 2 or latents.shape[1] < 1 or len(latents) < 2:
        raise ValueError(f"`mean` must have the shape (N, D), N at least 2. Got {latents.shape}.")
    return latents


def _check_plane(basis: NDArray[np.float64]) -> None:
    lengths = np.linalg.norm(basis, axis=0)
    if (lengths == 0).any():
        raise ValueError("The two axes of a plane must not be zero. Choose two other directions.")
    u, v = (basis / lengths).T
    if np.linalg.norm(v - (u @ v) * u) < PARALLEL:
        raise ValueError("The two axes of a plane must not be parallel. Choose two other directions.")
