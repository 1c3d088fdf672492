"""Tests of pyproject.toml and the locked versions made from it: that they belong together and name no place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from explorer.__main__ import COMMAND
from models.system.extras import DISTRIBUTION, EXTRAS

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements.lock", "requirements-test.lock")
PIN = re.compile(r"^([\w.-]+)==(\S+)(?: ; .*?)?(?: \\)?$", re.MULTILINE)
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(file: str) -> dict[str, str]:
    """Package -> version of a file of requirements."""
    return {
        canonicalize_name(name): version for name, version in PIN.findall((ROOT / file).read_text("utf-8"))
    }


def wanted(*names: str) -> list[Requirement]:
    """The requirements of the project itself, of extras or of dependency groups."""
    extras, groups = PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]
    lines = PROJECT["project"]["dependencies"] + [
        line for name in names for line in extras.get(name) or groups[name]
    ]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("requirements.txt", ("distributed", "onnx", "video")),
        ("requirements.lock", ("distributed", "onnx", "video")),
        ("requirements-test.lock", (*EXTRAS, "test")),
    ],
)
def test_every_locked_version_lies_in_its_range(file: str, names: tuple[str, ...]) -> None:
    found = (
        pins(file)
        if file == "requirements.txt"
        else pins(file) | {"torch": pins("requirements.txt")["torch"]}
    )
    for each in wanted(*names):
        assert each.specifier.contains(found[canonicalize_name(each.name)]), (
            f"run `make lock`: {file} misses {each}"
        )


@pytest.mark.parametrize("file", FILES[1:])
def test_a_lock_has_hashes_and_leaves_torch_to_the_machine(file: str) -> None:
    blocks = (ROOT / file).read_text("utf-8").replace(" \\\n", " ").splitlines()[1:]
    assert len(blocks) == len(pins(file)) > 40
    assert not [block for block in blocks if not re.search(r" --hash=sha256:[0-9a-f]{64}", block)]
    assert not [name for name in pins(file) if name == "torch" or name.startswith(("nvidia", "triton"))]


@pytest.mark.parametrize("file", FILES)
def test_no_file_names_a_registry_or_a_path(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert not re.search(r"://|--index|--find-links|file:|(?<![\w`])/\w", text)


def test_the_tests_run_on_what_make_run_installs() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-test.lock").items()
    direct = pins("requirements.txt")
    assert {name: version for name, version in direct.items() if name != "torch"}.items() <= pins(
        "requirements.lock"
    ).items()


def test_the_names_in_the_code_are_those_of_the_project() -> None:
    project = PROJECT["project"]
    assert (project["name"], list(project["scripts"])) == (DISTRIBUTION, [COMMAND])
    assert project["optional-dependencies"].keys() == EXTRAS.keys() | {"all"}
    (everything,) = [Requirement(line) for line in project["optional-dependencies"]["all"]]
    assert everything.extras == EXTRAS.keys()
    lock = tomllib.loads((ROOT / "tools" / "lock.toml").read_text("utf-8"))
    torch = pins("requirements.txt")["torch"]
    assert lock["constraint-dependencies"] == [f"torch=={torch}"]
    assert lock["dependency-metadata"][0]["version"] == torch
