r"""Gaussian mixtures fitted to latents, to draw more latents like them.

p(z) = sum_k w_k N(z; m_k, S_k)

Fitted by expectation maximisation (scikit-learn) from k-means; the same seed gives the same mixture. S_k is a full
matrix if there are enough latents for it, otherwise diagonal.

References:
    | Maximum Likelihood from Incomplete Data via the EM Algorithm (Dempster et al., 1977)
    | https://doi.org/10.1111/j.2517-6161.1977.tb01600.x
    | From Variational to Deterministic Autoencoders (Ghosh et al., 2019), for mixtures fitted to encoded data
    | https://arxiv.org/abs/1903.12436
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.blocks import sample_rows

__all__ = ["COMPONENTS_AT_MOST", "FEWEST", "FITTED_AT_MOST", "Mixture", "fit"]

Floats = NDArray[np.float64]

FEWEST = 5  # latents per component
COMPONENTS_AT_MOST = 50
ROUNDS = 60  # of expectation maximisation, at most
RIDGE = 1e-4  # of the mean variance, added to each variance to keep components from collapsing
FULL = 3  # latents per component and dimension from which full matrices are fitted
FITTED_AT_MOST = 50_000  # latents; of more, a random sample is fitted
WIDEST = 128  # dimensions up to which full matrices are fitted
LOG_TWO_PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of K Gaussians in D dimensions."""

    weights: Floats  # (K,), sum to 1
    means: Floats  # (K, D)
    roots: Floats  # (K, D, D), lower Cholesky factors, or (K, D), standard deviations of diagonal matrices

    @property
    def full(self) -> bool:
        """Whether the components' covariances are full matrices."""
        return self.roots.ndim == 3

    def sample(self, count: int, seed: int, temperature: float = 1.0) -> NDArray[np.float32]:
        """Draws latents.

        Arguments:
            count: Number of draws.
            seed: Of the draws.
            temperature: Factor on each component's spread; 0 gives the components' means.

        Returns:
            float32, shape (count, D).

        Raises:
            ValueError: If `temperature` is negative or not finite.
        """
        if not 0 <= temperature < np.inf:
            raise ValueError(f"`temperature` must be a finite number of at least 0. Got {temperature}.")
        rng = np.random.default_rng(seed)
        which = rng.choice(len(self.weights), size=count, p=self.weights)
        eps = rng.standard_normal((count, self.means.shape[1]))
        roots = self.roots[which]
        spread = np.einsum("nij,nj->ni", roots, eps) if self.full else roots * eps
        return (self.means[which] + temperature * spread).astype(np.float32)

    def log_density(self, z: ArrayLike) -> Floats:
        """Log p(z) of latents (M, D), in nats, shape (M,)."""
        latents = np.asarray(z, np.float64)
        terms = np.empty((len(latents), len(self.weights)))
        for k, (mean, root) in enumerate(zip(self.means, self.roots, strict=True)):
            if self.full:
                from scipy.linalg import solve_triangular

                eps = solve_triangular(root, (latents - mean).T, lower=True).T
                log_scale = np.log(np.diag(root)).sum()
            else:
                eps = (latents - mean) / root
                log_scale = np.log(root).sum()
            terms[:, k] = -0.5 * (np.einsum("md,md->m", eps, eps) + latents.shape[1] * LOG_TWO_PI) - log_scale
        terms += np.log(self.weights)
        top = terms.max(1, keepdims=True)
        total: Floats = top[:, 0] + np.log(np.exp(terms - top).sum(1))
        return total


def fit(z: ArrayLike, components: int, seed: int = 0) -> Mixture:
    """Fits a mixture to latents; of more than 50,000 to a random sample of 50,000, always the same.

    Arguments:
        z: Latents, shape (N, D), at least 5 of them.
        components: Number of Gaussians, 1 to 50; reduced if there are fewer than 5 latents for each.
        seed: Of the initial k-means.

    Raises:
        ValueError: If there are too few latents, a value is not finite, or `components` is out of range.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    latents = np.asarray(z)
    if latents.ndim != 2 or len(latents) < FEWEST:
        raise ValueError(f"`z` must have the shape (N, D) with N of at least {FEWEST}. Got {latents.shape}.")
    if not np.isfinite(latents).all():
        raise ValueError("`z` must be finite. Got NaN or infinity.")
    if not 1 <= components <= COMPONENTS_AT_MOST:
        raise ValueError(f"`components` must lie in 1..{COMPONENTS_AT_MOST}. Got {components}.")
    latents = latents[sample_rows(len(latents), FITTED_AT_MOST)].astype(np.float64)
    count, size = latents.shape
    components = min(components, count // FEWEST)
    full = size <= WIDEST and count >= FULL * size * components
    ridge = RIDGE * float(latents.var(0).mean()) or 1e-12
    model = GaussianMixture(
        components,
        covariance_type="full" if full else "diag",
        max_iter=ROUNDS,
        random_state=seed,
        reg_covar=ridge,
        init_params="kmeans",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # sixty iterations suffice for sampling
        model.fit(latents)
    roots = np.linalg.cholesky(model.covariances_) if full else np.sqrt(model.covariances_)
    return Mixture(model.weights_ / model.weights_.sum(), model.means_, roots)
