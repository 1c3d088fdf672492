"""Geodesics on surfaces where they are known, and the command on a checkpoint."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.jobs import geodesic, runner
from explorer.latent.geometry.energy import energy, length
from explorer.latent.neighbours.exact import Neighbours
from explorer.scene.engine import Engine
from explorer.scene.geodesics import POINTS, evenly, geodesics, off_data
from tests.explorer.checkpoints import train_digits

CODES = Path(geodesic.__file__).parents[2] / "checkpoints" / "faces-vq-vae"  # a model of discrete codes


def sphere(z: Tensor) -> Tensor:
    """Longitude and latitude to the unit sphere."""
    longitude, latitude = z[:, 0], z[:, 1]
    return torch.stack(
        [latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()], dim=1
    )


def angle(a: Tensor, b: Tensor) -> float:
    return float(torch.arccos((sphere(a[None]) * sphere(b[None])).sum()))


def test_on_the_sphere_they_are_great_circles_many_at_once() -> None:
    starts = torch.tensor([[0.0, 0.9], [-0.5, 0.2], [0.3, -0.4]], dtype=torch.double)
    ends = torch.tensor([[2.0, 0.9], [1.2, -0.3], [0.3, 0.8]], dtype=torch.double)
    found = geodesics(sphere, starts, ends, rounds=100)
    assert torch.equal(found.latents[:, 0], starts) and found.latents[:, -1] == pytest.approx(ends)
    for curve, start, end in zip(found.latents, starts, ends, strict=True):
        assert length(sphere(curve).numpy()) == pytest.approx(angle(start, end), rel=2e-3)
        plane = torch.linalg.cross(sphere(start[None])[0], sphere(end[None])[0])
        assert (sphere(curve) @ (plane / plane.norm())).abs().max() < 0.02, (
            "it leaves the plane of the circle"
        )
    line = torch.lerp(starts[0], ends[0], torch.linspace(0, 1, 33, dtype=torch.double)[:, None])
    assert length(sphere(line).numpy()) > 1.1 * angle(starts[0], ends[0])


def test_on_a_plane_they_are_straight() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(4, 9)
    starts, ends = torch.randn(2, 4), torch.randn(2, 4)
    found = geodesics(lambda z: z @ matrix, starts, ends)
    line = torch.lerp(starts[:, None], ends[:, None], torch.linspace(0, 1, 33)[:, None])
    assert (found.latents - line).abs().max() < 0.02
    assert found.energy.numpy() == pytest.approx(((ends - starts) @ matrix).square().sum(1).numpy(), rel=1e-3)


def test_the_penalty_leads_round_a_hole_in_the_data() -> None:
    turn = np.linspace(0, np.pi, 400)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) + 0.03 * np.random.default_rng(0).standard_normal(
        (400, 2)
    )
    items = ring.astype(np.float32)
    distances = np.sort(np.linalg.norm(items[:, None] - items, axis=2), axis=1)[:, 10].astype(np.float32)
    near = Neighbours(items, distances)
    ends = torch.tensor([[1.0, 0.05]]), torch.tensor([[-1.0, 0.05]])
    through = geodesics(lambda z: z, *ends).latents[0]
    around = geodesics(lambda z: z, *ends, weight=off_data(near, 10), rounds=200).latents[0]
    gap = lambda curve: torch.cdist(curve, torch.from_numpy(items)).min(1).values.max()  # noqa: E731
    assert gap(through) > 0.8 and gap(around) < 0.2
    assert (off_data(near, 10)(torch.from_numpy(items))[:50] == 1).float().mean() > 0.6


def test_the_penalty_matches_its_formula() -> None:
    rng = np.random.default_rng(1)
    items = rng.normal(size=(60, 3)).astype(np.float32)
    near = np.linspace(0.5, 1.5, 60).astype(np.float32)
    asked = 2 * rng.normal(size=(40, 3)).astype(np.float32)
    tenth = np.sort(np.linalg.norm(asked[:, None] - items, axis=2), axis=1)[:, 9]
    expected = 1 + 7 * np.maximum(0, tenth / np.quantile(near, 0.9) - 1) ** 2
    found = off_data(Neighbours(items, near), 7)(torch.from_numpy(asked))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert expected.max() > 1 and (expected == 1).any()
    few = off_data(Neighbours(items[:3], near[:3]), 7)(
        torch.from_numpy(asked)
    )  # fewer than ten: the farthest of them
    last = np.linalg.norm(asked[:, None] - items[:3], axis=2).max(1)
    np.testing.assert_allclose(
        few, 1 + 7 * np.maximum(0, last / np.quantile(near[:3], 0.9) - 1) ** 2, rtol=1e-4
    )
    metric = np.array([1, 0.5, 0], np.float32)
    scaled = off_data(Neighbours(items, near, metric), 7)(torch.from_numpy(asked))
    np.testing.assert_allclose(
        scaled, off_data(Neighbours(items * metric, near), 7)(torch.from_numpy(asked * metric))
    )
    own = off_data(Neighbours(items), 7)(torch.from_numpy(asked))  # without a gauge: the items' own distances
    tenth_other = np.sort(np.linalg.norm(items[:, None] - items, axis=2), axis=1)[:, 10]
    np.testing.assert_allclose(
        own, 1 + 7 * np.maximum(0, tenth / np.quantile(tenth_other, 0.9) - 1) ** 2, rtol=1e-3
    )


def test_the_energy_counts_each_step_by_the_mean_of_its_ends_factors() -> None:
    starts, ends = torch.tensor([[0.0, 0.9], [0.3, -0.4]]), torch.tensor([[1.0, 0.2], [-0.5, 0.8]])
    weight = lambda z: 1 + z[:, 0] ** 2 + 3 * z[:, 1] ** 4  # noqa: E731
    found = geodesics(sphere, starts, ends, weight=weight, steps=7, rounds=2)
    for curve, value in zip(found.latents, found.energy, strict=True):
        x, m = sphere(curve).double(), weight(curve).double()
        steps = sum(float((m[i] + m[i + 1]) / 2 * (x[i + 1] - x[i]).square().sum()) for i in range(7))
        assert float(value) == pytest.approx(7 * steps, rel=1e-4)


def test_what_is_minimised_is_the_penalised_length_that_is_shown() -> None:
    """The Poincaré half-plane: with m = 1/y² geodesics are known, half circles with their centres on y = 0."""
    starts = torch.tensor([[-1.0, 0.4], [0.0, 0.5], [-0.5, 1.5]], dtype=torch.double)
    ends = torch.tensor([[1.0, 0.4], [0.0, 2.0], [1.0, 0.6]], dtype=torch.double)
    factor = lambda z: z[:, 1] ** -2  # noqa: E731
    found = geodesics(lambda z: z, starts, ends, weight=factor, rounds=200)
    for curve, energy_, start, end in zip(found.latents, found.energy, starts, ends, strict=True):
        truth = float(torch.acosh(1 + (end - start).square().sum() / (2 * start[1] * end[1])))
        shown = length(curve.numpy(), factor(curve).numpy())
        assert shown == pytest.approx(truth, rel=0.01) and shown**2 == pytest.approx(float(energy_), rel=0.01)
        line = torch.lerp(start, end, torch.linspace(0, 1, 65, dtype=torch.double)[:, None])
        assert length(line.numpy(), factor(line).numpy()) > shown - 0.01 * truth


def test_evenly_spaced_in_the_decoded_length() -> None:
    bends = torch.tensor([[[0.0, 0.0], [0.4, 0.0]], [[0.4, 0.0], [1.0, 0.0]]])
    assert evenly(sphere, bends, 6)[:, 0] == pytest.approx(np.linspace(0, 1, 6), abs=0.01)
    curve = torch.stack([torch.linspace(0, 1, 200) ** 3, torch.zeros(200)], dim=1)
    codes = evenly(sphere, curve[None], 9)
    assert codes[:, 0] == pytest.approx(np.linspace(0, 1, 9), abs=1e-3)
    line = torch.linspace(0, 2, 400)[:, None]  # whose picture moves ever faster
    assert evenly(lambda z: z**3, line[None], 9)[:, 0] == pytest.approx(
        np.cbrt(np.linspace(0, 8, 9)), abs=0.01
    )
    still = evenly(sphere, torch.ones(1, 5, 2), 4)
    assert np.array_equal(still, np.ones((4, 2), np.float32))


def test_shapes_that_do_not_match_are_reported() -> None:
    with pytest.raises(ValueError, match="`starts` and `ends` must have one shape"):
        geodesics(sphere, torch.zeros(1, 2), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="at least 1"):
        geodesics(sphere, torch.zeros(1, 2), torch.ones(1, 2), rounds=0)
    with pytest.raises(ValueError, match="not finite"):
        geodesics(lambda z: z / 0 * z, torch.zeros(1, 2), torch.ones(1, 2))
    for wrong in (-1, 101):
        with pytest.raises(ValueError, match=rf"`strength` must lie in 0..100. Got {wrong}"):
            off_data(Neighbours(np.zeros((3, 2)), np.ones(3)), wrong)


def test_the_job_reports_its_progress_and_finds_a_path_of_less_energy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_digits(tmp_path / "digits-vae", epochs=3)
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    engine = Engine(torch.device("cpu"), workers=1)
    try:
        loaded = engine.open_sync("digits-vae")
    finally:
        engine.close()
    stops = loaded.atlas.mean[[3, 40, 90]]
    reports: list[tuple[float, str]] = []
    request = geodesic.Request("digits-vae", stops, 0.0)
    found = geodesic.find(request, lambda share, what, partial=None: reports.append((share, what)))
    assert reports[0] == (0.0, "Opening the model") and "Round 1" in reports[1][1]
    codes = found["latents"]
    assert codes.shape == (POINTS, 8) and codes.dtype == np.float32
    job = runner.start(geodesic.find, request)
    job.wait(120)
    assert job.error is None and job.result is not None
    np.testing.assert_allclose(job.result["latents"], codes, atol=1e-3)
    assert codes[0] == pytest.approx(stops[0]) and codes[-1] == pytest.approx(stops[2])
    assert np.linalg.norm(codes - stops[1], axis=1).min() < 0.1, "it goes through the waypoint"

    def decoded(z: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return loaded.decoder.model.decode(torch.from_numpy(z)).numpy()

    line = np.concatenate([np.linspace(stops[0], stops[1], 65), np.linspace(stops[1], stops[2], 65)[1:]])
    assert energy(decoded(codes)) < 0.98 * energy(decoded(line))
    whole = length(decoded(codes)) ** 2
    assert whole / 2 <= found["energy"] < whole, "that of two curves, each in a time of 1"

    for name, wrong, strength, text in (
        ("digits-vae", stops[:1], 0.0, "`stops` must be 2 to 12 latents. Got 1."),
        ("digits-vae", loaded.atlas.mean[:13], 0.0, "`stops` must be 2 to 12 latents. Got 13."),
        ("digits-vae", stops[:, :4], 0.0, "`stops` must be latents of 8 numbers each. Got 4."),
        ("digits-vae", stops[0], 0.0, "`stops` must be finite float32 latents, (K, D)"),
        ("digits-vae", np.full((2, 8), np.inf, np.float32), 0.0, "`stops` must be finite float32 latents"),
        ("digits-vae", stops.astype(np.float64), 0.0, "`stops` must be finite float32 latents"),
        ("digits-vae", stops, float("nan"), "`strength` must lie in"),
        (str(CODES), stops, 0.0, "has discrete codes"),
    ):
        with pytest.raises(ValueError, match=re.escape(text)):
            geodesic.find(geodesic.Request(name, wrong, strength), lambda *_: None)
