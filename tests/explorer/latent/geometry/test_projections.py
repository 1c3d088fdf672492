"""Tests of the maps that go both ways, against scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from explorer.latent.geometry.projections import LinearProjection, ScatterProjection, jitter, place


def codes(count: int = 500, size: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    spread = np.linspace(3, 0.3, size)
    mixing = np.linalg.qr(rng.normal(size=(size, size)))[0]
    return (rng.normal(size=(count, size)) * spread @ mixing + rng.normal(size=size)).astype("f4")


Z = codes()
RNG = np.random.default_rng(1)
PLANES = {
    "pca": LinearProjection.pca(Z),
    "dimensions": LinearProjection.dimensions(Z, 7, 2),
    "plane": LinearProjection.plane(Z, RNG.normal(size=12), RNG.normal(size=12)),
}


def scatter(count: int = 800, noise: float = 0.05, **options: int) -> tuple[ScatterProjection, np.ndarray]:
    """A map whose positions are the first two of four code numbers, and the codes."""
    rng = np.random.default_rng(2)
    xy = rng.uniform(-1, 1, size=(count, 2))
    z = np.column_stack([xy, xy[:, 0] ** 2, xy[:, 0] * xy[:, 1]])
    z += noise * rng.normal(size=z.shape)
    return ScatterProjection.fit(xy, z.astype("f4"), **options), z.astype("f4")


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_linear_round_trip(plane: LinearProjection) -> None:
    xy = np.random.default_rng(3).uniform(-8, 8, size=(200, 2))
    np.testing.assert_allclose(plane.forward(plane.inverse(xy)), xy, atol=1e-5)


@pytest.mark.parametrize("plane", PLANES.values(), ids=PLANES)
def test_linear_forward_is_the_least_squares_solution(plane: LinearProjection) -> None:
    expected = np.linalg.lstsq(plane.basis, (Z - plane.origin).T, rcond=None)[0].T
    np.testing.assert_allclose(plane.forward(Z), expected, atol=1e-5)


def test_pca_is_scikit_learns() -> None:
    plane, reference = LinearProjection.pca(Z), PCA(2).fit(Z.astype(np.float64))
    expected = reference.transform(Z.astype(np.float64))
    found = plane.forward(Z)
    signs = np.sign((found * expected).sum(0))
    np.testing.assert_allclose(found * signs, expected, atol=1e-4)
    xy = found[:20]
    np.testing.assert_allclose(plane.inverse(xy), reference.inverse_transform(xy * signs), atol=1e-4)
    largest = np.abs(plane.basis).argmax(0)
    assert (plane.basis[largest, [0, 1]] > 0).all()


@pytest.mark.parametrize("count", [6, 40, 2000])
def test_pca_of_a_grid_of_codes_takes_no_covariance(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    z = (rng.normal(size=(count, 12)) * np.arange(12, 0, -1)) @ rng.normal(size=(12, 1100))
    reference = PCA(2, svd_solver="full").fit(z)
    monkeypatch.setattr(np, "cov", lambda *_, **__: pytest.fail("a covariance of 1100 dimensions"))
    plane = LinearProjection.pca(z)
    cosines = np.abs(np.sum(plane.basis.T * reference.components_, axis=1))
    np.testing.assert_allclose(cosines, 1, atol=1e-9)
    np.testing.assert_array_equal(LinearProjection.pca(z).basis, plane.basis)


def test_dimensions_are_the_codes_own_numbers() -> None:
    np.testing.assert_array_equal(LinearProjection.dimensions(Z, 3, 1).forward(Z), Z[:, [3, 1]])


def test_a_plane_moves_by_whole_directions() -> None:
    u, v = RNG.normal(size=(2, 12))
    plane = LinearProjection.plane(Z, u, v)
    step = plane.inverse([[1.0, 0.0]]) - plane.inverse([[0.0, 0.0]])
    np.testing.assert_allclose(step[0], u, atol=1e-5)
    np.testing.assert_allclose(plane.forward(Z.mean(0)[None] + u - 2 * v), [[1, -2]], atol=1e-5)


@pytest.mark.parametrize("v", [[2.0, 4.0, 6.0], [-1.0, -2.0, -3.0001], [0.0, 0.0, 0.0]])
def test_a_plane_refuses_parallel_directions(v: list[float]) -> None:
    with pytest.raises(ValueError, match=r"must not be (parallel|zero)"):
        LinearProjection.plane(np.eye(3), [1.0, 2.0, 3.0], v)


def test_linear_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match=r"`i` and `j` must be two dimensions of 0\.\.11. Got 3 and 3"):
        LinearProjection.dimensions(Z, 3, 3)
    with pytest.raises(ValueError, match=r"Got 0 and 12"):
        LinearProjection.dimensions(Z, 0, 12)
    with pytest.raises(ValueError, match=r"shapes \(D,\) and \(D, 2\)"):
        LinearProjection(np.zeros(3), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"`mean` must have the shape \(N, D\)"):
        LinearProjection.pca(Z[:1])
    with pytest.raises(ValueError, match="must not be parallel"):
        LinearProjection.plane(Z[:, :1], [1.0], [2.0])


def test_one_dimension_is_a_strip_whose_height_means_nothing() -> None:
    line = Z[:, :1]
    for projection in (LinearProjection.strip(line), LinearProjection.pca(line)):
        xy = projection.forward(line)
        assert not xy[:, 1].any()
        np.testing.assert_allclose(projection.inverse(xy + np.float32([0, 3])), line, atol=1e-6)
    heights = jitter(line[:, 0])
    np.testing.assert_array_equal(heights, jitter(line[:, 0]))
    assert 0 < np.abs(heights).max() <= 0.15 * np.ptp(line) and np.isfinite(jitter(np.ones(5))).all()


def test_inverse_between_nodes_is_cubic_convolution() -> None:
    """The weights of Keys (1981) reproduce every quadratic, which no other slopes do."""
    line = np.linspace(-1, 1, 11)
    x, y = np.meshgrid(line, line)
    nodes = np.stack([2 * x - y + 1, x * y - x**2 + 0.5 * y**2], -1)
    source, _ = scatter()
    projection = ScatterProjection(nodes, (-1, -1), (1, 1), source.neighbours, source.xy, 1.0)
    u, v = np.random.default_rng(5).uniform(-0.75, 0.75, size=(2, 100))
    expected = np.stack([2 * u - v + 1, u * v - u**2 + 0.5 * v**2], -1)
    np.testing.assert_allclose(projection.inverse(np.stack([u, v], -1)), expected, atol=1e-6)


def test_inverse_recovers_a_smooth_map() -> None:
    projection, _ = scatter(3000, noise=0.0)
    at = np.random.default_rng(6).uniform(-0.85, 0.85, size=(300, 2))
    u, v = at.T
    expected = np.column_stack([u, v, u**2, u * v])
    error = np.abs(projection.inverse(at) - expected)
    assert error.mean() < 0.01
    assert error.max() < 0.06


def test_inverse_is_continuous_also_at_and_outside_the_grids_edge() -> None:
    projection, _ = scatter(nodes=24)
    t = np.linspace(-3, 3, 60_001)
    for line in (np.stack([t, 0.3 * t + 0.1], 1), np.stack([0.2 - t, t], 1)):
        z = projection.inverse(line).astype(np.float64)
        steps = np.linalg.norm(np.diff(z, axis=0), axis=1)
        assert steps.max() < 50 * (t[1] - t[0])
    far = projection.inverse([[1e6, 0.0], [2e5, 0.0]])
    np.testing.assert_array_equal(far[0], far[1])
    assert np.isfinite(projection.inverse([[1e6, -1e6], [-1e6, 1e6]])).all()


def test_one_point_gives_what_a_batch_gives() -> None:
    projection, _ = scatter()
    at = np.random.default_rng(7).uniform(-1.2, 1.2, size=(50, 2))
    together = projection.inverse(at)
    for row in range(50):
        np.testing.assert_allclose(projection.inverse(at[row : row + 1])[0], together[row], atol=1e-6)


def test_forward_of_a_scatter_finds_the_place() -> None:
    projection, z = scatter(3000, noise=0.0)
    found = projection.forward(z[:200])
    assert np.abs(found - projection.xy[:200]).mean() < 0.02
    np.testing.assert_array_equal(
        found, projection.forward_nearest(*projection.neighbours.nearest(z[:200], 15))
    )


def test_scatter_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match=r"`xy` must spread along both axes"):
        ScatterProjection.fit(np.column_stack([np.arange(50), np.zeros(50)]), np.zeros((50, 3)))
    with pytest.raises(ValueError, match=r"`xy` and `z` must be \(N, 2\) and \(N, D\)"):
        ScatterProjection.fit(np.zeros((5, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"`xy` must be finite"):
        ScatterProjection.fit(np.full((5, 2), np.nan), np.zeros((5, 3)))


SOME = {"linear": (PLANES["plane"], Z), "scatter": scatter()}


@pytest.mark.parametrize(("projection", "z"), SOME.values(), ids=SOME)
@pytest.mark.parametrize("residual", ["hold", "fade"])
def test_an_unmoved_handle_is_its_item_bit_for_bit(projection, z, residual) -> None:  # type: ignore[no-untyped-def]
    xy = projection.forward(z) if projection.linear else projection.xy
    np.testing.assert_array_equal(place(projection, xy, xy, z, residual), z)
    for item in (0, 17):  # as it comes over the wire: a JSON number, one handle
        sent = [float(xy[item, 0]), float(xy[item, 1])]
        np.testing.assert_array_equal(place(projection, sent, xy[item], z[item], residual), z[item])


@pytest.mark.parametrize(("projection", "z"), SOME.values(), ids=SOME)
def test_the_residual_is_held_or_fades(projection, z) -> None:  # type: ignore[no-untyped-def]
    xy = projection.forward(z) if projection.linear else projection.xy
    there = xy[:30] + np.float32(0.7) * projection.fade
    rest = z[:30] - projection.inverse(xy[:30])
    held = place(projection, there, xy[:30], z[:30])
    np.testing.assert_allclose(held, projection.inverse(there) + rest, atol=1e-5)
    faded = place(projection, there, xy[:30], z[:30], "fade")
    share = np.exp(-(0.7**2))  # d^2 = 2 (0.7 fade)^2
    np.testing.assert_allclose(faded, projection.inverse(there) + share * rest, atol=1e-4)


def test_a_held_residual_moves_an_item_along_the_plane_only() -> None:
    plane = PLANES["plane"]
    xy = plane.forward(Z[:5])
    moved = place(plane, xy + np.array([1.0, -0.5]), xy, Z[:5])
    expected = Z[:5] + plane.basis @ [1.0, -0.5]
    np.testing.assert_allclose(moved, expected, atol=1e-4)
    np.testing.assert_allclose(plane.forward(moved), xy + np.array([1.0, -0.5]), atol=1e-4)


def test_leaving_the_item_is_continuous() -> None:
    projection, z = SOME["scatter"]
    near = projection.xy[:20] + np.float32(1e-5)
    for residual in ("hold", "fade"):
        moved = place(projection, near, projection.xy[:20], z[:20], residual)  # type: ignore[arg-type]
        np.testing.assert_allclose(moved, z[:20], atol=1e-3)


def test_place_refuses_other_residuals() -> None:
    with pytest.raises(ValueError, match=r"`residual` must be one of: hold, fade. Got 'keep'"):
        place(PLANES["pca"], [0, 0], [0, 0], Z[0], "keep")  # type: ignore[arg-type]
