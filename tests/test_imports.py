"""The house's one rule of imports: they point down, and Streamlit stands at the top only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*ROOT.glob("models/**/*.py"), *ROOT.glob("explorer/**/*.py"), ROOT / "app.py"])

# From top to bottom; a file may import its own floor and those below.
FLOORS = {
    "app": 6,
    "explorer.pages.main": 6,
    "explorer.pages": 5,
    "explorer.components": 4,
    "explorer.__main__": 6,
    "explorer.sharing.recipe": 3,
    "explorer.sharing.report": 3,
    "explorer.sharing.session_archive": 3,
    "explorer.sharing.render": 3,
    "explorer.live": 3,
    "explorer.atlas.build": 2,
    "explorer.jobs.leakage": 2,
    "explorer.atlas.umap_maps": 2,
    "explorer.workspace.storage": 2,
    "explorer.workspace.uploads": 2,
    "explorer.latent": 1,
    "models": 0,
}
# Beside the floors: leaves that import models and each other at most.
LEAVES = {
    "explorer.catalogue.architecture", "explorer.catalogue.curves", "explorer.sharing.exports", "explorer.latent.item_names", "explorer.jobs.runner", "explorer.sharing.map_drawing", "explorer.catalogue.training_time", "explorer.installation", "explorer.workspace.stage_edit",
    "explorer.jobs.trainings", "explorer.catalogue.families",
}  # fmt: skip


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} uses a relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def floor(name: str) -> int | None:
    found = [key for key in FLOORS if name == key or name.startswith(f"{key}.")]
    return FLOORS[max(found, key=len)] if found else None


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_point_down(path: Path) -> None:
    own = floor(module(path))
    for name in imported(path):
        below = floor(name)
        if own is not None and below is not None:
            assert below <= own, f"{module(path)} imports {name}, which is above it"
        if module(path) in LEAVES and name.startswith("explorer."):
            assert LEAVES & {name, name.rpartition(".")[0]}, (
                f"{module(path)} imports {name}, which is no leaf"
            )


@pytest.mark.parametrize("path", FILES, ids=module)
def test_streamlit_stands_at_the_top_only(path: Path) -> None:
    if (floor(module(path)) or 0) < FLOORS["explorer.components"]:
        assert not {name for name in imported(path) if name.split(".")[0] == "streamlit"}


@pytest.mark.parametrize("path", [p for p in FILES if "explorer/latent" in p.as_posix()], ids=module)
def test_latent_is_pure_maths(path: Path) -> None:
    forbidden = {"torch", "streamlit", "pathlib", "os", "models"}
    assert not {name.split(".")[0] for name in imported(path)} & forbidden


@pytest.mark.parametrize("path", FILES, ids=module)
def test_umap_is_never_imported_with_a_module(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not any(name.split(".")[0] in {"umap", "gradio"} for name in names)


@pytest.mark.parametrize("path", FILES, ids=module)
def test_nothing_is_unpickled(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for bad in ("import pickle", "torch.load(", "allow_pickle=True", "joblib", "eval("):
        text = text.replace("model.eval()", "").replace(".eval()", "")
        assert bad not in text, f"{path} has {bad!r}"


def test_the_pages_modules_load_no_umap() -> None:
    code = "import explorer.live.routes, explorer.inference.engine, sys; print('umap' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
