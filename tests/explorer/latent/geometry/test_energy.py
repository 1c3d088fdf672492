"""Length and energy against curves whose length is known."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.latent.geometry.energy import energy, length, speeds


def test_a_quarter_circle_has_its_length_and_at_constant_speed_the_energy_is_its_square() -> None:
    angle = np.linspace(0, np.pi / 2, 2001)
    arc = 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert length(arc) == pytest.approx(1.5 * np.pi, rel=1e-6)
    assert energy(arc) == pytest.approx((1.5 * np.pi) ** 2, rel=1e-6)


def test_uneven_steps_cost_energy_but_no_length() -> None:
    even, uneven = np.linspace(0, 1, 11)[:, None], (np.linspace(0, 1, 11) ** 2)[:, None]
    assert length(uneven) == pytest.approx(length(even)) == pytest.approx(1)
    assert energy(uneven) > 1.2 * energy(even)


def test_a_factor_counts_by_its_root_at_each_step() -> None:
    line = np.linspace(0, 2, 2001)[:, None]
    assert length(line, np.full(2001, 9.0)) == pytest.approx(6)
    assert length(line, (1 + line[:, 0]) ** 2) == pytest.approx(4, rel=1e-6), "the integral of 1 + z"
    for wrong in (np.ones(5), np.full(2001, -1.0), np.full(2001, np.nan)):
        with pytest.raises(ValueError, match="`factor` must be a number of at least 0 for each of the 2001"):
            length(line, wrong)


def test_pictures_count_with_all_their_numbers() -> None:
    pictures = np.zeros((2, 3, 4, 4))
    pictures[1] = 1
    assert speeds(pictures).tolist() == [48**0.5]


def test_one_point_is_no_curve() -> None:
    with pytest.raises(ValueError, match="T of at least 1"):
        energy(np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"`points` must have the shape \(T \+ 1, \*\)"):
        speeds(np.zeros(5))
