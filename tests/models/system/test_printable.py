"""Names from outside, printable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.system.printable import printable


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Gesichter 猫", "Gesichter 猫"),
        (os.fsdecode(b"a\xff"), r"a\xff"),
        (Path(os.fsdecode(b"a\xe9.png")), r"a\xe9.png"),
        ("a\nb\x00", r"a\nb\x00"),
        ("txt.\u202egnp", r"txt.\u202egnp"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_letters_that_cannot_be_shown_are_escaped(given: str | Path, shown: str) -> None:
    assert printable(given) == shown
    assert printable(given).encode()
