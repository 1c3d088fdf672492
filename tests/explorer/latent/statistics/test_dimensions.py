"""The order of a latent's dimensions against torch's KL, and rows along one of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from explorer.latent.statistics.dimensions import traversal, weigh

RNG = np.random.default_rng(0)
MEAN = RNG.standard_normal((40, 5)) * [0.1, 2, 0.5, 1, 0]
STD = np.exp(RNG.standard_normal((40, 5)) - 1)


def test_by_kl_as_torch_has_it() -> None:
    own = Normal(torch.tensor(MEAN), torch.tensor(STD))
    unit = Normal(torch.zeros(5, dtype=torch.double), torch.ones(5, dtype=torch.double))
    expected = kl_divergence(own, unit).mean(0).numpy()
    found = weigh(MEAN, STD)
    assert found.by_kl and found.values == pytest.approx(np.sort(expected)[::-1])
    assert found.order.tolist() == np.argsort(-expected).tolist()


def test_by_variance_where_the_code_is_deterministic() -> None:
    found = weigh(MEAN, None)
    assert not found.by_kl and found.order.tolist() == [1, 3, 2, 0, 4]
    assert found.values[0] == pytest.approx(MEAN[:, 1].var())


def test_a_traversal_changes_one_number() -> None:
    rows = traversal(MEAN[0], 3, [-2, 0, 2])
    assert rows[:, 3].tolist() == [-2, 0, 2]
    others = [0, 1, 2, 4]
    assert np.array_equal(rows[:, others], np.repeat(MEAN[:1, others], 3, 0).astype(np.float32))
    for wrong in (-1, 5):
        with pytest.raises(ValueError, match=rf"`dimension` must lie in 0..4. Got {wrong}"):
            traversal(MEAN[0], wrong, [0])
