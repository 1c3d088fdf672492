r"""Geodesics: the curves between two latents along which the decoded picture changes least.

E = T sum_i m_i |g(z_{i+1}) - g(z_i)|^2,     g the decoder, T steps, z_0 and z_T fixed
m = 1 + s max(0, d(z) / r - 1)^2,            d the distance to the 10th nearest encoded image in the metric of the
                                             gauge, r its 90th percentile over posterior draws of held-out
                                             images

z_i = sum_k w_ik c_k is a natural cubic spline through K control points c_k, so E has few variables; L-BFGS
minimises it. The curve of least E also has the least penalised length L = sum_i sqrt(m_i) |g(z_{i+1}) -
g(z_i)|, which the page shows. The factor m makes paths far from the data longer: without it a curve cuts
through holes where the decoder changes little. Within the distance r, m is 1, so a geodesic may lie farther
from the data than the straight line does. Curves between several waypoints are optimised together in one
batch.

References:
    | The Riemannian Geometry of Deep Generative Models (Shao et al., 2018)
    | https://arxiv.org/abs/1711.08014
    | Latent Space Oddity: on the Curvature of Deep Generative Models (Arvanitidis et al., 2018)
    | https://arxiv.org/abs/1710.11379
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.latent.geometry.energy import speeds
from explorer.latent.geometry.splines import natural_weights
from explorer.latent.neighbours.approximate import ApproximateNeighbours
from explorer.latent.neighbours.exact import Neighbours, NeighbourSearch
from explorer.latent.neighbours.metric import draw_distances

__all__ = [
    "POINTS",
    "USUAL",
    "Decode",
    "Floats",
    "Geodesics",
    "Report",
    "Weight",
    "evenly",
    "geodesics",
    "off_data",
]

Decode = Callable[[Tensor], Tensor]
Weight = Callable[[Tensor], Tensor]
Report = Callable[[float, str], None]
Floats = NDArray[np.float32]
POINTS = 129  # latents of a finished path
STEPS = 32  # steps of a curve during optimisation
CONTROLS = 8  # control points between the two ends
ROUNDS = 60  # rounds of L-BFGS
INNER = 4  # iterations per round
ENOUGH = 2e-4  # relative decrease of the energy per round at convergence
STRENGTH = 10.0  # strength s of the penalty
STRENGTH_AT_MOST = 100.0
USUAL = 0.9  # quantile of the neighbour distance that is r
NEIGHBOUR = 10


class Geodesics(NamedTuple):
    """Optimised curves."""

    latents: Tensor  # (B, T + 1, D)
    energy: Tensor  # (B,), penalty included, in the decoder's unit squared
    rounds: int


def off_data(neighbours: NeighbourSearch, strength: float = STRENGTH) -> Weight:
    """The factor m of latents (M, D), shape (M,): 1 among the items, growing with the distance from them.

    Arguments:
        neighbours: The items; without a `reference`, their own distances are used instead.
        strength: s.

    Raises:
        ValueError: If `strength` is out of range.
    """
    if not 0 <= strength <= STRENGTH_AT_MOST:
        raise ValueError(f"`strength` must lie in 0..{STRENGTH_AT_MOST:g}. Got {strength}.")
    items = torch.from_numpy(neighbours.items) if isinstance(neighbours, Neighbours) else None
    metric = None if neighbours.metric is None else torch.from_numpy(neighbours.metric)
    usual = _usual(neighbours) if strength else 1.0
    k = min(NEIGHBOUR, len(neighbours))

    def weight(z: Tensor) -> Tensor:
        if strength == 0:
            return torch.ones(len(z), dtype=z.dtype)
        scaled = z if metric is None else z * metric.to(z.dtype)
        with torch.no_grad():
            if items is None:
                rows = neighbours.nearest(z.detach().numpy(), k)[0][:, -1]
                tenth = torch.from_numpy(neighbours.points(rows))
            else:
                tenth = items[torch.cdist(scaled, items.to(z.dtype)).topk(k, largest=False).indices[:, -1]]
        distance = (scaled - tenth.to(z.dtype)).square().sum(1).add(1e-12).sqrt()
        return 1 + strength * torch.relu(distance / usual - 1).square()

    return weight


def _usual(neighbours: NeighbourSearch) -> float:
    """The distance r within which nothing is penalised."""
    reference = neighbours.reference
    if reference is None:
        everyone = np.ones(len(neighbours), bool)
        factors = np.ones(neighbours.dimensions)
        if isinstance(neighbours, ApproximateNeighbours):
            reference = draw_distances(neighbours.latents, None, everyone, factors, search=neighbours)
        elif isinstance(neighbours, Neighbours):
            reference = draw_distances(neighbours.items, None, everyone, factors)
    return 1.0 if reference is None else float(np.quantile(reference, USUAL)) or 1.0


def geodesics(
    decode: Decode,
    starts: Tensor,
    ends: Tensor,
    *,
    weight: Weight | None = None,
    steps: int = STEPS,
    controls: int = CONTROLS,
    rounds: int = ROUNDS,
    report: Report | None = None,
) -> Geodesics:
    """Minimises the energy of curves between latents.

    Arguments:
        decode: From latents (M, D) to points (M, *), differentiable.
        starts: Latents, shape (B, D).
        ends: Latents, shape (B, D).
        weight: The factor of latents (M, D), shape (M,); None for 1 everywhere.
        steps: T, steps of each curve.
        controls: Control points between the two ends.
        rounds: Maximum rounds of the optimiser.
        report: Called with the fraction done (0 to 1) and a status text.

    Raises:
        ValueError: If shapes do not match, a count is too small, or the energy is not finite.
    """
    if starts.ndim != 2 or starts.shape != ends.shape:
        raise ValueError(
            f"`starts` and `ends` must have one shape (B, D). Got {tuple(starts.shape)} and "
            f"{tuple(ends.shape)}."
        )
    if min(steps, controls, rounds) < 1:
        raise ValueError(
            f"`steps`, `controls` and `rounds` must be at least 1. Got {steps}, {controls}, {rounds}."
        )
    nodes = np.linspace(0, 1, controls + 2)
    spline = torch.from_numpy(natural_weights(nodes, np.linspace(0, 1, steps + 1))).to(starts.dtype)
    line = torch.from_numpy(nodes[1:-1]).to(starts.dtype)[:, None]
    # Scaled, so that one step size suits all curves.
    scale = (ends - starts).norm(dim=1)[:, None, None].clamp_min(1e-6)
    moved = torch.zeros(len(starts), controls, starts.shape[1], dtype=starts.dtype, requires_grad=True)

    def curves() -> Tensor:
        inner = starts[:, None] + line * (ends - starts)[:, None] + scale * moved
        return spline @ torch.cat([starts[:, None], inner, ends[:, None]], dim=1)

    def energies() -> Tensor:
        z = curves()
        flat = z.flatten(0, 1)
        x = decode(flat).reshape(*z.shape[:2], -1)
        squares = x.diff(dim=1).square().sum(2)
        if weight is not None:
            m = weight(flat).reshape(z.shape[:2])
            squares = squares * (m[:, 1:] + m[:, :-1]) / 2
        return steps * squares.sum(1)

    optimiser = torch.optim.LBFGS([moved], max_iter=INNER, max_eval=8 * INNER, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        total = energies().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    before, number = float("inf"), 0
    for number in range(1, rounds + 1):
        now = optimiser.step(closure).item()  # type: ignore[no-untyped-call]
        if not np.isfinite(now):
            raise ValueError("The energy of the curve is not finite. Choose other ends.")
        if report is not None:
            report(number / rounds, f"Round {number}, energy {now:,.1f}")
        if before - now <= ENOUGH * abs(now):
            break
        before = now
    with torch.no_grad():
        return Geodesics(curves(), energies(), number)


def evenly(decode: Decode, curves: Tensor, count: int) -> Floats:
    """Joins curves (B, T, D) into one path, resampled at equal decoded length, shape (count, D)."""
    whole = torch.cat([curves[:1, 0], curves[:, 1:].flatten(0, 1)])
    with torch.no_grad():
        along = np.concatenate([[0.0], np.cumsum(speeds(decode(whole).numpy()))])
    latents = whole.numpy()
    if along[-1] == 0:
        along = np.linspace(0, 1, len(latents))
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, numbers) for numbers in latents.T], axis=1).astype(np.float32)
