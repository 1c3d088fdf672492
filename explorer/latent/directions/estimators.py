r"""Estimators of attribute directions, all in the same unit, and orthogonalisation against other directions.

mean difference   w = m1 - m0                        m the mean latent of a side
balanced          w = m1 - m0 under weights that balance the other attributes (`explorer.latent.directions.balance`)
logistic          the normal of min_w |w|^2 / 2 + sum_i c_i log(1 + exp(-y_i f(z_i)))
linear SVM        the normal of min_w |w|^2 / 2 + sum_i c_i max(0, 1 - y_i f(z_i))^2
LDA               w = S^-1 (m1 - m0),  S = (1 - a) S_within + a tr(S_within) / D I,  a of Ledoit and Wolf

with f(z) = w . (z - mean) / scale + b, scale the root mean square length of the latents (so that the penalty means
the same in every model), y = 1 with and -1 without, and c_i weighting both sides equally. Each is returned as

v = w (w . (m1 - m0)) / (w . w)

so that adding v moves the projection onto w from the mean without to the mean with: s = 1 means the same for all. The
balanced estimate takes the difference of the weighted means for m1 - m0, which may even point the other way (Simpson's
paradox).

In thousands of dimensions no D x D matrix is formed: Newton steps use conjugate gradients, and LDA uses the Gram matrix
of the images (Woodbury's identity) or, where there are too many images, conjugate gradients too.

References:
    | Autoencoding beyond pixels using a learned similarity metric (Larsen et al., 2015): mean difference
    | https://arxiv.org/abs/1512.09300
    | Sampling Generative Networks (White, 2016): balanced mean difference
    | https://arxiv.org/abs/1609.04468
    | Interpreting the Latent Space of GANs for Semantic Face Editing (Shen et al., 2020): SVM normals, projection
    | https://arxiv.org/abs/1907.10786
    | Training a Support Vector Machine in the Primal (Chapelle, 2007)
    | https://doi.org/10.1162/neco.2007.19.5.1155
    | A well-conditioned estimator for large-dimensional covariance matrices (Ledoit & Wolf, 2004)
    | https://doi.org/10.1016/S0047-259X(03)00096-4
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.linalg import LinearOperator, cg

from explorer.latent.directions.balance import balancing_weights

__all__ = [
    "METHODS",
    "NAMES",
    "Sides",
    "cosine",
    "cosines",
    "fit",
    "fit_held",
    "gap",
    "held_direction",
    "hold_fixed",
    "shrinkage",
    "to_unit",
]

Floats = NDArray[np.float64]
Latents = NDArray[np.floating]
Mask = NDArray[np.bool_]

# Name in an address -> title.
METHODS = {
    "mean": "Mean difference",
    "balanced": "Balanced mean difference",
    "logistic": "Logistic regression",
    "svm": "Linear SVM",
    "lda": "LDA",
}
# Titles for use within a sentence.
NAMES = {
    name: title if title.isupper() else title.replace(title[0], title[0].lower(), 1)
    for name, title in METHODS.items()
}
MAX_DENSE_DIMENSIONS = 640  # above, no D x D matrix is formed
MAX_GRAM_IMAGES = 4096  # above, no Gram matrix is formed
PENALTY = 1.0  # C of the two classifiers, scikit-learn's default
MAX_STEPS = 60  # of Newton's method
GRADIENT_TOLERANCE = 1e-5  # relative to the first gradient
MAX_PRODUCTS = 300  # of conjugate gradients
RESIDUAL_TOLERANCE = 1e-2  # of conjugate gradients, relative to the right-hand side
START_LENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # tried for a start direction
NULL_TOLERANCE = 1e-9  # relative length under which the remainder of a projection counts as zero


@dataclass(frozen=True, eq=False)
class Sides:
    """The images on the two sides of a direction: `positive` marks those with, all others are without."""

    z: Latents  # (M, D), centred
    positive: Mask  # (M,)
    others: Floats  # (M, K), columns that `balanced` balances; K may be 0

    @classmethod
    def of(
        cls, z: ArrayLike, positive: ArrayLike, negative: ArrayLike, others: ArrayLike | None = None
    ) -> Sides:
        """Selects the images on the two sides from a collection.

        Arguments:
            z: Latents, shape (N, D).
            positive: Which latents have the attribute, bool, shape (N,).
            negative: Which latents lack it, bool, shape (N,).
            others: Columns of the other attributes, shape (N, K).

        Raises:
            ValueError: If the shapes do not match, a side is empty, a latent is on both sides, or a value is not finite.
        """
        latents = np.asarray(z)
        if latents.ndim != 2:
            raise ValueError(f"`z` must have the shape (N, D). Got {latents.shape}.")
        masks = []
        for name, given in (("positive", positive), ("negative", negative)):
            mask = np.asarray(given)
            if mask.dtype != np.bool_ or mask.shape != latents.shape[:1]:
                raise ValueError(
                    f"`{name}` must be bool of shape ({len(latents)},). Got {mask.dtype} of shape {mask.shape}."
                )
            if not mask.any():
                raise ValueError(f"`{name}` must mark at least one latent. It marks none.")
            masks.append(mask)
        both = int((masks[0] & masks[1]).sum())
        if both:
            raise ValueError(
                f"The two sides must not share an image. {both} are on both sides. Change one of the groups."
            )
        rows = np.flatnonzero(masks[0] | masks[1])
        chosen = latents[rows].astype(np.float64)
        if not np.isfinite(chosen).all():
            raise ValueError("`z` must be finite. Got NaN or infinity.")
        chosen -= chosen.mean(0)  # smaller numbers lose less precision when subtracted
        table = np.zeros((len(latents), 0)) if others is None else np.asarray(others, np.float64)
        if table.ndim != 2 or len(table) != len(latents):
            raise ValueError(f"`others` must have the shape ({len(latents)}, K). Got {table.shape}.")
        wide = latents.shape[1] > MAX_DENSE_DIMENSIONS
        return cls(chosen.astype(np.float32) if wide else chosen, masks[0][rows], table[rows])

    @property
    def counts(self) -> tuple[int, int]:
        """Images with and without."""
        with_ = int(self.positive.sum())
        return with_, len(self.positive) - with_

    @cached_property
    def shrinkage(self) -> float:
        """Ledoit-Wolf intensity for the within-class covariance, each image counting once."""
        x = self.z.copy()
        for those in (self.positive, ~self.positive):
            x[those] -= x[those].mean(0)
        return shrinkage(x)

    @cached_property
    def gram(self) -> Latents:
        """Inner products of all pairs of latents, shape (M, M)."""
        return self.z @ self.z.T

    def take(self, rows: NDArray[np.int64]) -> Sides:
        """The subset of the images at `rows`."""
        return Sides(self.z[rows], self.positive[rows], self.others[rows])


def fit(method: str, sides: Sides, counts: ArrayLike | None = None, start: Floats | None = None) -> Floats:
    """Fits a direction, scaled so that one unit goes from the mean without to the mean with along it.

    Arguments:
        method: A key of `METHODS`.
        sides: The images.
        counts: Weight of each image, shape (M,), such as bootstrap counts; 1 each if None.
        start: Initial direction, shape (D,); saves steps if it is close to the solution.

    Returns:
        Shape (D,), in the unit of the latents.

    Raises:
        ValueError: If the method is unknown, the sides do not differ, or a classifier's direction points from with to
            without.
    """
    if method not in METHODS:
        raise ValueError(f"Unknown estimator {method[:40]!r}. Choose one of: {', '.join(METHODS)}.")
    weight = np.ones(len(sides.z)) if counts is None else np.asarray(counts, np.float64)
    difference = gap(sides, weight)
    if method == "mean":
        return to_unit(difference, difference)
    if method == "balanced":
        if not sides.others.shape[1]:
            raise ValueError("There is no other attribute that could be equalised. Choose another estimator.")
        balanced = balancing_weights(sides.others, sides.positive, weight)
        weighted = gap(sides, balanced)
        return to_unit(weighted, weighted)
    if method == "lda":
        return to_unit(_lda(sides, weight, difference, start), difference)
    return to_unit(_classifier(sides, weight, method, start), difference)


def fit_held(
    method: str,
    sides: Sides,
    held: ArrayLike,
    counts: ArrayLike | None = None,
    start: Floats | None = None,
) -> Floats:
    """Fits a direction that is orthogonal to others, in the unit of `fit`.

    Arguments:
        method: A key of `METHODS`.
        sides: The images.
        held: Directions to hold fixed, shape (K, D); K may be 0.
        counts: As in `fit`.
        start: As in `fit`.

    Raises:
        ValueError: As `fit` and `hold_fixed`, or if what is left leads away from the side with.
    """
    return held_direction(fit(method, sides, counts, start), method, sides, held, counts)


def held_direction(
    vector: ArrayLike, method: str, sides: Sides, held: ArrayLike, counts: ArrayLike | None = None
) -> Floats:
    """A fitted direction made orthogonal to others, in the unit of `fit`: the same on the pages and in the jobs.

    Arguments:
        vector: From `fit`, shape (D,).
        method: The estimator that gave it.
        sides: The images that it was fitted on.
        held: Directions to hold fixed, shape (K, D); K may be 0.
        counts: As in `fit`.

    Raises:
        ValueError: If nothing is left of it, or what is left leads away from the side with.
    """
    fitted, others = np.asarray(vector, np.float64), np.asarray(held, np.float64)
    if not len(others):
        return fitted
    return to_unit(hold_fixed(fitted, others), fitted if method == "balanced" else gap(sides, counts))


def gap(sides: Sides, weight: ArrayLike | None = None) -> Floats:
    """Mean latent with minus mean latent without, under weights (M,); shape (D,)."""
    w = np.ones(len(sides.z)) if weight is None else np.asarray(weight, np.float64)
    signed = np.where(sides.positive, w / w[sides.positive].sum(), -w / w[~sides.positive].sum())
    return _product(signed, sides.z)


def to_unit(normal: ArrayLike, difference: ArrayLike) -> Floats:
    """Scales `normal` so that it moves the projection onto itself by as much as `difference` does.

    v = w (w . d) / (w . w)

    Arguments:
        normal: w, shape (D,).
        difference: d, from the mean without to the mean with, shape (D,).

    Raises:
        ValueError: If `normal` is zero or not finite, or points away from `difference`.
    """
    w, d = np.asarray(normal, np.float64), np.asarray(difference, np.float64)
    square = float(w @ w)
    if not np.isfinite(square) or square == 0:
        raise ValueError("The two sides must differ. Their means are the same. Choose other groups.")
    along = float(w @ d)
    if along <= 0:
        raise ValueError("The fitted direction must lead towards the side with. It leads away from it.")
    return w * (along / square)


def hold_fixed(v: ArrayLike, held: ArrayLike) -> Floats:
    r"""Removes from a direction its components along other directions.

    v' = v - B (B^T B)^-1 B^T v,   B has the held directions as columns

    Arguments:
        v: The direction, shape (D,).
        held: Directions to hold fixed, shape (K, D); parallel ones count once, zeros are ignored.

    Returns:
        Shape (D,), orthogonal to each held direction.

    Raises:
        ValueError: If the shapes do not match, or `v` lies in the span of the held directions.
    """
    vector, others = np.asarray(v, np.float64), np.asarray(held, np.float64)
    if vector.ndim != 1 or others.ndim != 2 or others.shape[1] != len(vector):
        raise ValueError(
            f"`v` must have the shape (D,) and `held` (K, D). Got {vector.shape} and {others.shape}."
        )
    lengths = np.linalg.norm(others, axis=1)
    units = others[lengths > 0] / lengths[lengths > 0, None]
    left = vector
    for _ in range(2):  # the second pass removes rounding error
        left = left - units.T @ np.linalg.lstsq(units @ units.T, units @ left, rcond=1e-10)[0]
    if np.linalg.norm(left) <= NULL_TOLERANCE * max(1.0, len(units)) * np.linalg.norm(vector):
        raise ValueError(
            "Nothing of the direction is left: it lies in the span of those held fixed. Hold fewer."
        )
    return left


def cosine(a: ArrayLike, b: ArrayLike) -> float:
    """Cosine of the angle between two directions (D,), in [-1, 1]; 0 if one is zero."""
    one, other = np.asarray(a, np.float64), np.asarray(b, np.float64)
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.clip(one @ other / size, -1.0, 1.0)) if size > 0 else 0.0


def cosines(vectors: ArrayLike) -> Floats:
    """Cosine of the angle between each pair of directions (K, D), shape (K, K)."""
    rows = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = rows / np.where(lengths > 0, lengths, 1.0)
    return np.clip(units @ units.T, -1.0, 1.0)


def shrinkage(centred: ArrayLike) -> float:
    """Ledoit-Wolf shrinkage intensity of the covariance of centred latents (M, D), in [0, 1].

    ||S||^2 is computed from the smaller of S and the Gram matrix.
    """
    x = np.asarray(centred)
    count, size = x.shape
    squares = np.square(x, dtype=np.float64).sum(1)
    inner = x.T @ x if size <= count else x @ x.T
    norm = float(np.square(inner, dtype=np.float64).sum()) / count**2
    trace = float(squares.sum()) / count
    beta = (float(np.square(squares).sum()) / count - norm) / (size * count)
    delta = (norm - trace**2 / size) / size
    return min(1.0, max(0.0, beta / delta)) if delta > 0 else 1.0


def _lda(sides: Sides, weight: Floats, difference: Floats, start: Floats | None) -> Floats:
    """S^-1 (m1 - m0) with the shrunk within-class covariance S."""
    x = sides.z.copy()
    for those in (sides.positive, ~sides.positive):
        share = weight[those] / weight[those].sum()
        x[those] -= _product(share, x[those]).astype(x.dtype)
    alpha = sides.shrinkage
    share = weight / weight.sum()
    mean_variance = float(share @ np.square(x, dtype=np.float64).sum(1)) / x.shape[1]
    if mean_variance == 0:
        return difference  # each side is one point
    ridge = max(alpha, 1e-6) * mean_variance
    normal: Floats
    if x.shape[1] <= MAX_DENSE_DIMENSIONS:
        within = (1 - alpha) * (x * share[:, None]).T @ x
        normal = np.linalg.solve(within + ridge * np.eye(len(within)), difference)
        return normal
    if len(x) <= min(x.shape[1], MAX_GRAM_IMAGES):
        return _lda_from_gram(sides, weight, x, difference, ridge, 1 - alpha)

    def system(v: Floats) -> Floats:
        image: Floats = ridge * v + (1 - alpha) * _product(share * _product(x, v), x)
        return image

    return _conjugate_gradients(
        system, difference, RESIDUAL_TOLERANCE, start=_rescaled(start, system, difference)
    )


def _lda_from_gram(
    sides: Sides, weight: Floats, x: Latents, difference: Floats, ridge: float, scale: float
) -> Floats:
    """(ridge I + scale X^T P X)^-1 d by Woodbury's identity, from a system with one equation per image.

    X = (I - Y Q^T) Z holds the latents centred within their side, so X X^T follows from the Gram matrix of Z.
    """
    share = weight / weight.sum()
    used = np.flatnonzero(weight > 0)
    y = np.stack([sides.positive, ~sides.positive], axis=1)[used].astype(np.float64)
    q = y * weight[used, None]
    q /= q.sum(0)
    k = sides.gram[np.ix_(used, used)].astype(np.float64)
    kq = k @ q
    k += y @ (q.T @ kq) @ y.T - y @ kq.T - kq @ y.T
    root = np.sqrt(scale * share[used])
    k *= np.outer(root, root)
    k[np.diag_indices_from(k)] += ridge
    seen = root * _product(x[used], difference)
    inner = cho_solve(
        cho_factor(k, lower=True, overwrite_a=True, check_finite=False), seen, check_finite=False
    )
    return (difference - _product(root * inner, x[used])) / ridge


def _classifier(sides: Sides, weight: Floats, method: str, start: Floats | None) -> Floats:
    """The normal of a linear classifier, fitted by Newton's method."""
    side = np.where(sides.positive, 1.0, -1.0)
    total = weight.sum()
    c = weight.copy()
    for those in (sides.positive, ~sides.positive):
        c[those] *= PENALTY * total / (2 * weight[those].sum())
    centre = _product(weight / total, sides.z)
    x = sides.z - centre.astype(sides.z.dtype)
    scale = float(np.sqrt(weight / total @ np.square(x, dtype=np.float64).sum(1)))
    if scale == 0:
        raise ValueError(
            "The two sides must differ. All their latents are the same point. Choose other groups."
        )
    x /= x.dtype.type(scale)
    slopes = _logistic if method == "logistic" else _squared_hinge
    size = x.shape[1]
    ridge = np.append(np.ones(size), 0.0)  # the offset is not penalised

    def scores(u: Floats) -> Floats:
        return _product(x, u[:size]) + u[size]

    def transposed(values: Floats) -> Floats:
        return np.append(_product(values, x), values.sum())

    def initial() -> Floats:
        if start is None or not start.any():
            return np.zeros(size + 1)
        direction = start / np.linalg.norm(start)
        along = side * _product(x, direction)
        losses = [float(c @ slopes(along * length)[0]) + length**2 / 2 for length in START_LENGTHS]
        return np.append(direction * START_LENGTHS[int(np.argmin(losses))], 0.0)

    u = initial()
    margins = side * scores(u)
    first = float(np.linalg.norm(transposed(c * side * slopes(np.zeros(len(x)))[1]))) or 1.0
    for _ in range(MAX_STEPS):
        loss, slope, curve = slopes(margins)
        value = float(c @ loss + 0.5 * u @ (ridge * u))
        gradient = ridge * u + transposed(c * side * slope)
        residual = float(np.linalg.norm(gradient)) / first
        if residual < GRADIENT_TOLERANCE:
            break
        step = _newton_step(x, c * curve, ridge, gradient, min(0.1, residual**0.5))
        moved = side * scores(step)
        slope_along_step, length = float(gradient @ step), 1.0
        for _ in range(40):
            after = u + length * step
            loss = slopes(margins + length * moved)[0]
            if float(c @ loss + 0.5 * after @ (ridge * after)) <= value + 1e-4 * length * slope_along_step:
                break
            length /= 2
        else:
            break
        u, margins = after, margins + length * moved
    return u[:size]


def _newton_step(x: Latents, h: Floats, ridge: Floats, gradient: Floats, tolerance: float) -> Floats:
    """-H^-1 gradient, H = diag(ridge) + X^T diag(h) X, where X has a column of ones for the offset."""
    if x.shape[1] <= MAX_DENSE_DIMENSIONS:
        wide = np.concatenate([x, np.ones((len(x), 1))], axis=1)
        hessian = (wide * h[:, None]).T @ wide + np.diag(ridge)
        hessian[-1, -1] += 1e-9 * max(1.0, float(h.sum()))
        return -np.linalg.solve(hessian, gradient)
    tiny = 1e-9 * max(1.0, float(h.sum()))

    def system(v: Floats) -> Floats:
        seen = h * (_product(x, v[:-1]) + v[-1])
        image: Floats = ridge * v + np.append(_product(seen, x), seen.sum() + tiny * v[-1])
        return image

    return _conjugate_gradients(system, -gradient, tolerance)


def _logistic(m: Floats) -> tuple[Floats, Floats, Floats]:
    """log(1 + exp(-m)) with its first and second derivative."""
    p = 1.0 / (1.0 + np.exp(np.minimum(m, 500.0)))
    loss: Floats = np.logaddexp(0.0, -m)
    return loss, -p, p * (1.0 - p)


def _squared_hinge(m: Floats) -> tuple[Floats, Floats, Floats]:
    """max(0, 1 - m)^2 with its first and second derivative."""
    short = np.maximum(0.0, 1.0 - m)
    return short**2, -2.0 * short, np.where(short > 0, 2.0, 0.0)


def _conjugate_gradients(
    system: Callable[[Floats], Floats], target: Floats, tolerance: float, start: Floats | None = None
) -> Floats:
    """Solves a symmetric positive definite system by conjugate gradients to the relative residual `tolerance`."""
    operator = LinearOperator((len(target), len(target)), matvec=system, dtype=np.float64)
    solution: Floats = cg(operator, target, x0=start, rtol=tolerance, maxiter=MAX_PRODUCTS)[0]
    return solution


def _rescaled(start: Floats | None, system: Callable[[Floats], Floats], target: Floats) -> Floats | None:
    """Scales a start direction to the length that solves the system best."""
    if start is None:
        return None
    curve = float(start @ system(start))
    return start * (float(start @ target) / curve) if curve > 0 else None


def _product(a: Latents, b: Latents) -> Floats:
    """Matrix times vector in either order, computed in the precision of the matrix, returned as float64."""
    kind = a.dtype if a.ndim == 2 else b.dtype
    return (a.astype(kind, copy=False) @ b.astype(kind, copy=False)).astype(np.float64)
