#!/usr/bin/env python3
"""Runs the fast tests of changed files: `python tools/check.py [BASE]`, compared with the branch BASE (main).

It runs changed test files and the tests of changed modules, at the mirrored path: `explorer/atlas/umap_maps.py` ->
`tests/explorer/atlas/test_umap_maps.py`. Slow tests and browser tests are left to `make test`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = Path("explorer", "components", "frontend")
ALWAYS = {Path("tests", "test_imports.py"), Path("tests", "test_packaging.py")}  # these check every file
SCRIPTS = ("check", "test")  # npm scripts
NO_TESTS = 5  # exit status of pytest if no tests are collected


def git(*arguments: str) -> list[str]:
    """Runs git and returns the lines of its output; none if it fails, e.g. for a branch that does not exist."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else []


def changed(base: str) -> set[Path]:
    """Lists files that differ from the merge base with `base`, are not committed, or are new."""
    since = [*git("merge-base", "HEAD", base), "HEAD"][0]
    names = git("diff", "--name-only", since) + git("ls-files", "--others", "--exclude-standard")
    return {Path(name) for name in names}


def related_tests(files: set[Path]) -> list[Path]:
    """Returns the test files of changed files, without browser tests."""
    tests = set(ALWAYS)
    for file in files:
        if file.suffix == ".py" and file.parts[0] in ("explorer", "models", "benchmarks"):
            name = "main" if file.stem == "__main__" else file.stem
            tests.add(Path("tests", *file.parts[:-1], f"test_{name}.py"))
        elif file.parts[0] == "tests" and file.name.startswith("test_"):
            tests.add(file)
    return sorted(file for file in tests if file.parts[1] != "browser" and (ROOT / file).is_file())


def main() -> int:
    """Runs the tests and returns the exit status."""
    files = changed(sys.argv[1] if len(sys.argv) > 1 else "main")
    tests = related_tests(files)
    print(f"{len(files)} changed files, {len(tests)} test files", flush=True)
    command = [sys.executable, "-m", "pytest", "-m", "not slow and not browser", *map(str, tests)]
    status = subprocess.run(command, cwd=ROOT).returncode
    if status in (0, NO_TESTS) and shutil.which("npm") and any(FRONTEND in file.parents for file in files):
        for script in SCRIPTS:
            status = subprocess.run(["npm", "run", "--silent", script], cwd=ROOT / FRONTEND).returncode
            if status:
                return status
        return 0
    return 0 if status == NO_TESTS else status


if __name__ == "__main__":
    sys.exit(main())
