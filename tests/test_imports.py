"""What importing may not do: break the layers that pyproject.toml states, load torch or umap early, unpickle."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted([*ROOT.glob("models/**/*.py"), *ROOT.glob("explorer/**/*.py"), ROOT / "app.py"])


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
    for bad in ("import pickle", "multiprocessing", "torch.load(", "allow_pickle=True", "joblib", "eval("):
        text = text.replace("model.eval()", "").replace(".eval()", "")
        if path.match("models/foreign/conversion.py"):  # pythae saves its weights so; tensors only, no code
            text = re.sub(r"torch\.load\([^()]*, weights_only=True\)", "", text)
        assert bad not in text, f"{path} has {bad!r}"


def test_the_pages_modules_load_no_umap() -> None:
    code = "import explorer.live.routes, explorer.inference.engine, sys; print('umap' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_importing_the_routes_loads_no_torch() -> None:
    code = "import explorer.live.routes, explorer.scene.originals, models.card, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_layers_hold() -> None:
    """The contracts of import-linter: imports point down, no cycle at any level, Streamlit at the top only."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    done = subprocess.run(
        [*command, "--no-cache"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
