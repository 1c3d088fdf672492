"""Tests of the field of codes over a map, against dense least squares, finite differences and the kernel mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from explorer.latent.geometry import field
from explorer.latent.geometry.field import fit_field, stencil
from explorer.latent.geometry.projections import ScatterProjection


def islands(count: int = 3000, size: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A map of three islands, the noisy codes of its items, and the codes without noise."""
    rng = np.random.default_rng(seed)
    centre = np.array([[0.0, 0.0], [9.0, 1.0], [3.0, 8.0]])[rng.integers(0, 3, count)]
    xy = centre + 1.2 * rng.normal(size=(count, 2))
    waves = rng.normal(size=(2, size)) * 0.6
    truth = 2 * np.sin(xy @ waves + rng.uniform(0, 6, size))
    return xy, truth + 0.7 * rng.normal(size=truth.shape), truth


def project(xy: np.ndarray, z: np.ndarray, **options: int) -> ScatterProjection:
    return ScatterProjection.fit(xy, z, **options)


def test_a_stencil_is_the_nodes_around_with_weights_that_sum_to_one() -> None:
    counts = np.array([7, 5])
    where = np.random.default_rng(0).uniform(-2, 9, size=(200, 2))
    index, weight = stencil(where, counts)
    np.testing.assert_allclose(weight.sum(1), 1, atol=1e-12)
    assert index.min() >= 0
    assert index.max() < 35
    index, weight = stencil(np.array([[2.0, 3.0]]), counts)
    assert index[0, weight[0] == 1].tolist() == [3 * 7 + 2]
    assert np.count_nonzero(weight) == 1


def test_the_field_minimises_the_plates_energy() -> None:
    """The sum of squares that is documented, written out by loops and minimised by a dense solver."""
    rng = np.random.default_rng(1)
    xy, z = rng.uniform(0, [4, 3], size=(60, 2)), rng.normal(size=(60, 3))
    field = fit_field(xy, z, smoothing=2.0, nodes=9)
    ny, nx, _ = field.nodes.shape
    cell = (field.high[0] - field.low[0]) / (nx - 1)
    distance, _ = cKDTree(xy).query(xy, 17)
    spacing = np.median(distance[:, -1])
    bend, tense = np.sqrt(2.0 * spacing**2) / cell, np.sqrt(2.0 / 16)

    index, weight = stencil((xy - field.low) / cell, np.array([nx, ny]))
    rows = []
    for taps, shares in zip(index, weight, strict=True):
        row = np.zeros(nx * ny)
        np.add.at(row, taps, shares)
        rows.append(row)

    def term(factor: float, parts: dict[tuple[int, int], float]) -> None:
        row = np.zeros(nx * ny)
        for (y, x), share in parts.items():
            row[y * nx + x] = factor * share
        rows.append(row)

    for y in range(ny):
        for x in range(nx):
            if x + 1 < nx:
                term(tense, {(y, x): -1, (y, x + 1): 1})
            if y + 1 < ny:
                term(tense, {(y, x): -1, (y + 1, x): 1})
            if 0 < x < nx - 1:
                term(bend, {(y, x - 1): 1, (y, x): -2, (y, x + 1): 1})
            if 0 < y < ny - 1:
                term(bend, {(y - 1, x): 1, (y, x): -2, (y + 1, x): 1})
            if x + 1 < nx and y + 1 < ny:
                corner = {(y, x): 1.0, (y, x + 1): -1.0, (y + 1, x): -1.0, (y + 1, x + 1): 1.0}
                term(np.sqrt(2) * bend, corner)
    target = np.zeros((len(rows), 3))
    target[:60] = z
    expected = np.linalg.lstsq(np.array(rows), target, rcond=None)[0]
    np.testing.assert_allclose(field.nodes.reshape(-1, 3), expected, atol=1e-5)


def test_the_grid_has_square_cells_and_reaches_around_the_items() -> None:
    xy, z, _ = islands()
    field = fit_field(xy, z)
    ny, nx, size = field.nodes.shape
    cells = (field.high - field.low) / (np.array([nx, ny]) - 1)
    np.testing.assert_allclose(cells[0], cells[1], rtol=1e-9)
    assert size == 8
    assert 48 <= max(nx, ny) <= 145
    assert (field.low < xy.min(0)).all()
    assert (field.high > xy.max(0)).all()


def test_the_field_comes_nearer_to_the_truth_than_a_kernel_mean() -> None:
    xy, z, truth = islands(3500)
    field = project(xy[:3000], z[:3000])
    distance, index = cKDTree(xy[:3000]).query(xy[3000:], 31)
    weight = (1 - (distance[:, :-1] / distance[:, -1:]) ** 2) ** 2
    kernel = np.einsum("mk,mkd->md", weight / weight.sum(1, keepdims=True), z[index[:, :-1]])
    ours = np.square(field.inverse(xy[3000:]) - truth[3000:]).mean()
    assert ours < 0.8 * np.square(kernel - truth[3000:]).mean()
    assert ours < 0.04  # 0.49 is the noise


def test_scale_and_place_of_the_map_do_not_matter() -> None:
    xy, z, _ = islands(800)
    near, far = project(xy, z), project(1e3 * xy - 5e4, z)
    np.testing.assert_allclose(near.inverse(xy), far.inverse(1e3 * xy - 5e4), atol=1e-3)


def test_a_constant_is_kept_and_noise_is_averaged() -> None:
    xy, _, _ = islands(2000)
    flat = fit_field(xy, np.full((2000, 2), 3.25))
    np.testing.assert_allclose(flat.nodes, 3.25, atol=1e-4)
    noise = np.random.default_rng(2).normal(size=(2000, 4))
    rough, smooth = (
        np.std(project(xy, noise).inverse(xy)),
        np.std(fit_field(xy, noise, smoothing=100).nodes),
    )
    assert smooth < rough < 0.4


def test_a_drag_is_smooth_across_islands_and_gaps() -> None:
    """A differentiable field: halving the step halves the code's moves and quarters the changes of its pace."""
    field = project(*islands()[:2])

    def along(count: int) -> np.ndarray:
        t = np.linspace(0.02, 0.98, count)[:, None]
        return field.inverse(field.low + (field.high - field.low) * t).astype(np.float64)

    first = [np.linalg.norm(np.diff(along(n), axis=0), axis=1) for n in (2001, 4001)]
    second = [np.linalg.norm(np.diff(along(n), 2, axis=0), axis=1).max() for n in (1001, 2001)]
    assert first[1].max() / first[0].max() == pytest.approx(1 / 2, abs=0.01)
    assert second[1] / second[0] == pytest.approx(1 / 4, abs=0.06)
    assert first[1].max() < 10 * first[1].mean()


def test_the_field_stays_calm_where_there_are_no_items() -> None:
    xy, z, _ = islands()
    tame = np.linalg.norm(fit_field(xy, z).nodes, axis=-1).max()
    assert tame < np.linalg.norm(z, axis=1).max()


@pytest.mark.parametrize("count", [2, 3, 20])
def test_few_items_do(count: int) -> None:
    rng = np.random.default_rng(3)
    xy, z = rng.normal(size=(count, 2)), rng.normal(size=(count, 5))
    nodes = fit_field(xy, z).nodes
    assert np.isfinite(nodes).all()
    assert np.abs(nodes).max() <= 1.5 * np.abs(z).max()


def test_items_at_one_place_are_averaged() -> None:
    xy = np.repeat([[0.0, 0.0], [1.0, 1.0]], 40, axis=0)
    z = np.arange(80.0)[:, None]
    field = project(xy, z)
    np.testing.assert_allclose(field.inverse([[0, 0], [1, 1]])[:, 0], [19.5, 59.5], atol=0.2)


def test_errors_name_the_argument() -> None:
    xy, z, _ = islands(50)
    with pytest.raises(
        ValueError, match=r"`xy` and `z` must be \(N, 2\) and \(N, D\). Got \(50, 2\) and \(49, 8\)"
    ):
        fit_field(xy, z[:49])
    with pytest.raises(ValueError, match=r"`z` must be finite"):
        fit_field(xy, np.where(np.arange(8) == 3, np.nan, z))
    with pytest.raises(ValueError, match=r"`xy` must spread along both axes"):
        fit_field(np.zeros((50, 2)), z)
    with pytest.raises(ValueError, match=r"`smoothing` must be above 0. Got 0"):
        fit_field(xy, z, smoothing=0)
    with pytest.raises(ValueError, match=r"`nodes` must be at least 4. Got 3"):
        fit_field(xy, z, nodes=3)


def test_a_sample_of_many_items_gives_nearly_the_same_field(monkeypatch: pytest.MonkeyPatch) -> None:
    xy, z, truth = islands(9000)
    whole = project(xy, z, nodes=60)
    monkeypatch.setattr(field, "FITTED_AT_MOST", 6000)
    part, again = project(xy, z, nodes=60), project(xy, z, nodes=60)
    np.testing.assert_array_equal(part.nodes, again.nodes)
    np.testing.assert_array_equal((part.low, part.high), (whole.low, whole.high))
    of_whole, of_part = (np.square(each.inverse(xy) - truth).mean() for each in (whole, part))
    assert of_part < 1.5 * of_whole < 0.2 * np.square(z - truth).mean()
