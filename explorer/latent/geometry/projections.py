r"""Maps of the latent space that go both ways, and where a dragged handle stands in it.

Linear views: xy = (z - o) B^+T forward, z = o + B xy back, exactly. Scattered views (UMAP): back
through a smooth field of codes over the map, fitted once on a regular grid of nodes and
interpolated in constant time; forward through the nearest items in latent space. What a map can not
show of an item, the residual, is kept by `place`.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.geometry.field import fit_field, stencil
from explorer.latent.geometry.principal import principal
from explorer.latent.neighbours.exact import Neighbours

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
FADE = 0.2  # of the map's root-mean-square radius: where a fading residual is down to exp(-1/2)
PARALLEL = 1e-3  # sine of the angle under which two vectors span no plane
FORWARD_NEIGHBOURS = 15
STRIP = ((1.0, 0.0),)  # basis of a latent of one dimension
STRIP_HEIGHT = 0.3  # of a strip's width, from its lowest to its highest point
STRIP_SEED = 0
STRIP_BINS = 48


class Projection(Protocol):
    """A map of the latent space."""

    fade: float  # map distance over which a fading residual falls to exp(-1/2)

    @property
    def linear(self) -> bool:
        """Whether both ways are exact."""
        ...

    def forward(self, z: ArrayLike) -> Floats:
        """Map positions (M, 2) of codes (M, D)."""
        ...

    def inverse(self, xy: ArrayLike) -> Floats:
        """Codes (M, D) of map positions (M, 2)."""
        ...


class LinearProjection:
    """A plane through latent space: z = origin + basis xy."""

    linear = True

    def __init__(self, origin: ArrayLike, basis: ArrayLike, fade: float = 1.0) -> None:
        """A plane.

        Arguments:
            origin: The code at (0, 0), shape (D,).
            basis: One map unit along x and along y, shape (D, 2); need not be orthogonal.
            fade: Map distance over which a fading residual falls to exp(-1/2).

        Raises:
            ValueError: If shapes do not match, a value is not finite, or the two axes are parallel
                or zero; the second one of a latent of one dimension may be zero, and moves nothing.
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
        """A plane whose fade scale fits the codes `mean`, shape (N, D)."""
        plane = cls(origin, basis)
        plane.fade = _fade(plane.forward(mean))
        return plane

    @classmethod
    def pca(cls, mean: ArrayLike) -> LinearProjection:
        """The plane of the two principal components of codes (N, D), through their mean; of one, a strip.

        Components have unit length; each points to where its largest entry is positive.

        Raises:
            ValueError: If there are several dimensions and the codes spread along fewer than two.
        """
        codes = _codes(mean)
        centre = codes.mean(0)
        if codes.shape[1] == 1:
            return cls.through(codes, centre, STRIP)
        basis = principal(codes - centre)
        largest = basis[np.abs(basis).argmax(0), [0, 1]]
        return cls.through(codes, centre, basis * np.where(largest < 0, -1.0, 1.0))

    @classmethod
    def strip(cls, mean: ArrayLike) -> LinearProjection:
        """A latent of one dimension, codes (N, 1), to the right; a step upwards moves nothing.

        Raises:
            ValueError: If there are more dimensions.
        """
        return cls.through(_codes(mean), np.zeros(1), STRIP)

    @classmethod
    def dimensions(cls, mean: ArrayLike, i: int, j: int) -> LinearProjection:
        """Dimension `i` to the right, `j` upwards; the others at their mean over codes (N, D).

        Raises:
            ValueError: If `i` and `j` are equal or no dimensions.
        """
        codes = _codes(mean)
        size = codes.shape[1]
        if i == j or not (0 <= i < size and 0 <= j < size):
            raise ValueError(f"`i` and `j` must be two dimensions of 0..{size - 1}. Got {i} and {j}.")
        origin = codes.mean(0)
        origin[[i, j]] = 0.0
        basis = np.zeros((size, 2))
        basis[i, 0] = basis[j, 1] = 1.0
        return cls.through(codes, origin, basis)

    @classmethod
    def plane(cls, mean: ArrayLike, u: ArrayLike, v: ArrayLike) -> LinearProjection:
        """The plane of two directions (D,) through the mean of codes (N, D); one map unit is one
        direction.

        Raises:
            ValueError: If `u` and `v` are parallel or zero.
        """
        codes = _codes(mean)
        basis = np.stack([np.asarray(u, np.float64), np.asarray(v, np.float64)], axis=-1)
        _check_plane(basis)
        return cls.through(codes, codes.mean(0), basis)

    def forward(self, z: ArrayLike) -> Floats:
        """Least-squares coordinates (M, 2) of codes (M, D)."""
        return ((np.asarray(z, np.float64) - self.origin) @ self._coordinates).astype(np.float32)

    def inverse(self, xy: ArrayLike) -> Floats:
        """The codes (M, D) of the plane at positions (M, 2)."""
        return (self.origin + np.asarray(xy, np.float64) @ self.basis.T).astype(np.float32)


class ScatterProjection:
    """A map of scattered items, such as a UMAP: the way back is a smooth field over a grid of
    nodes.
    """

    linear = False

    def __init__(
        self,
        nodes: ArrayLike,
        low: ArrayLike,
        high: ArrayLike,
        neighbours: Neighbours,
        xy: ArrayLike,
        fade: float,
    ) -> None:
        """A map whose node values are known. `fit` computes them.

        Arguments:
            nodes: Codes at the nodes, shape (ny, nx, D), nx and ny at least 2.
            low: Position of nodes[0, 0], shape (2,).
            high: Position of nodes[-1, -1], shape (2,).
            neighbours: The items' codes, for the way forward.
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
        neighbours: Neighbours | None = None,
        nodes: int | None = None,
    ) -> ScatterProjection:
        """Fits the field of codes to the items, a thin plate under tension (`explorer.latent.geometry.field`).

        Arguments:
            xy: Map positions of the items, shape (N, 2).
            z: Their codes, shape (N, D).
            neighbours: The same codes prepared; made where None.
            nodes: Nodes along the longer side; found from the items' spacing where None.

        Raises:
            ValueError: If the shapes do not match, a value is not finite, or all items lie on one point or line.
        """
        field = fit_field(xy, z, nodes=nodes)
        near = Neighbours(z) if neighbours is None else neighbours
        return cls(field.nodes, field.low, field.high, near, xy, _fade(xy))

    def forward(self, z: ArrayLike) -> Floats:
        """Map positions (M, 2) of codes (M, D): the kernel mean over their nearest items."""
        return self.forward_nearest(*self.neighbours.nearest(z, self.forward_count))

    @property
    def forward_count(self) -> int:
        """Neighbours that `forward_nearest` takes."""
        return min(FORWARD_NEIGHBOURS, len(self.xy))

    def forward_nearest(self, index: NDArray[np.int64], distance: NDArray[np.float64]) -> Floats:
        """Map positions (M, 2) of codes whose nearest items are known.

        Arguments:
            index: Nearest items, nearest first, shape (M, k).
            distance: Their distances, shape (M, k).
        """
        weights = _kernel(distance[:, :-1], distance[:, -1:])
        xy: Floats = np.einsum("mk,mkc->mc", weights, self.xy[index[:, :-1]]).astype(np.float32)
        return xy

    def inverse(self, xy: ArrayLike) -> Floats:
        """Codes (M, D) at positions (M, 2): the nodes' codes, joined by cubic convolution.

        Continuous with its first derivative over the map; outside the grid it is the value at the
        nearest edge.
        """
        index, weight = stencil((np.asarray(xy, np.float64) - self.low) * self._scale, self._counts)
        codes: Floats = np.matmul(weight[:, None].astype(np.float32), self._flat[index])[:, 0]
        return codes


def place(
    projection: Projection,
    xy: ArrayLike,
    anchor_xy: ArrayLike,
    anchor_z: ArrayLike,
    residual: Residual = "hold",
) -> Floats:
    r"""The code of an item that was dragged from its place to `xy`.

    z = inverse(xy) + r (anchor_z - inverse(anchor_xy)),   r = 1 held, or exp(-d^2 / 2 fade^2) at
    map distance d

    Arguments:
        projection: The map.
        xy: Where the handle is, shape (2,) or (M, 2).
        anchor_xy: Where the item is, same shape.
        anchor_z: The item's code, shape (D,) or (M, D).
        residual: Whether what the map can not show of the item is held or fades with the distance.

    Returns:
        float32, shape of `anchor_z`; exactly `anchor_z` where `xy` equals `anchor_xy` in float32.

    Raises:
        ValueError: If `residual` is neither "hold" nor "fade".
    """
    if residual not in RESIDUALS:
        raise ValueError(f"`residual` must be one of: {', '.join(RESIDUALS)}. Got {residual!r}.")
    code = np.asarray(anchor_z, np.float32)
    here = np.asarray(xy, np.float32).reshape(-1, 2)
    there = np.asarray(anchor_xy, np.float32).reshape(-1, 2)
    codes = code.reshape(len(here), -1)
    count = len(here)
    both = projection.inverse(np.concatenate([here, there]))
    rest = codes - both[count:]
    moved = here.astype(np.float64) - there
    if residual == "fade":
        square = np.einsum("mc,mc->m", moved, moved)
        rest *= np.exp(-0.5 * square / projection.fade**2).astype(np.float32)[:, None]
    placed = both[:count] + rest
    still = ~moved.any(1)
    placed[still] = codes[still]
    return placed.reshape(code.shape)


def jitter(x: ArrayLike, seed: int = STRIP_SEED) -> Floats:
    """Heights (N,) that spread the points x (N,) of a strip: uniform noise, as wide as the points are dense.

    The outline shows the density and a height means nothing. The same seed gives the same heights.
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
    """Weights (1 - (d/h)^2)^2, normalised to 1 a row; equal ones where all items are equally far.

    Far outside the items the ratio d/h nears 1 for all: 1 - (d/h)^2 is formed without cancelling.
    """
    span = np.where(support > 0, support, 1.0)
    weights = ((span - distance) * (span + distance) / span**2) ** 2
    total = weights.sum(1, keepdims=True)
    flat = total <= np.finfo(np.float64).tiny
    even: NDArray[np.float64] = np.where(flat, 1.0 / distance.shape[1], weights / np.where(flat, 1.0, total))
    return even


def _fade(xy: ArrayLike) -> float:
    """The fade scale that suits items at map positions (N, 2)."""
    positions = np.asarray(xy, np.float64)
    radius = float(np.sqrt(positions.var(0).sum()))
    return FADE * radius if radius > 0 else 1.0


def _codes(mean: ArrayLike) -> NDArray[np.float64]:
    codes = np.asarray(mean, np.float64)
    if codes.ndim != 2 or codes.shape[1] < 1 or len(codes) < 2:
        raise ValueError(f"`mean` must have the shape (N, D), N at least 2. Got {codes.shape}.")
    return codes


def _check_plane(basis: NDArray[np.float64]) -> None:
    lengths = np.linalg.norm(basis, axis=0)
    if (lengths == 0).any():
        raise ValueError("The two axes of a plane must not be zero. Choose two other directions.")
    u, v = (basis / lengths).T
    if np.linalg.norm(v - (u @ v) * u) < PARALLEL:
        raise ValueError("The two axes of a plane must not be parallel. Choose two other directions.")
