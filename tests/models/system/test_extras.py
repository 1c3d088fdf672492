"""Tests of the extras: a missing package is named with its extra."""

from __future__ import annotations

import sys

import pytest

from models.system.extras import EXTRAS, missing, require


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_installed_extra_is_not_missing(extra: str) -> None:
    assert missing(extra, "It") is None
    require(extra, "It")


@pytest.mark.parametrize(("extra", "packages"), EXTRAS.items())
def test_a_missing_package_is_named_with_its_extra(
    extra: str, packages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)
    told = f"A feature needs {' and '.join(packages)}. Install the extra `{extra}`: `pip install 'latent-drag[{extra}]'`."
    assert missing(extra, "A feature") == told
    with pytest.raises(ValueError) as caught:
        require(extra, "A feature")
    assert str(caught.value) == told
