"""The wheel, installed in a fresh environment and used from another folder: its command, its stage, its runs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.driving import ROOT, Server, StagePage

COMMAND = "latent-drag"
LARGEST = 12e6  # bytes of the wheel
HIDES = "raise ImportError('the working directory must not hide the installed modules')\n"
Installed = tuple[Path, Path, dict[str, str]]  # folder of commands, working directory, environment


def build_wheel(folder: Path) -> Path:
    """Builds the checkout's wheel, without the network."""
    line = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(line, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A fresh environment with the wheel; it reuses the dependencies of this one, to save minutes."""
    folder = tmp_path_factory.mktemp("installed")
    wheel = build_wheel(folder / "wheel")
    assert wheel.stat().st_size < LARGEST
    assert not [
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith(("tests", "app")) or "node_modules" in name
    ]
    venv.create(folder / "venv", with_pip=False)
    commands = folder / "venv" / "bin"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    (site / "dependencies.pth").write_text("\n".join(p for p in sys.path if Path(p).name == "site-packages"))
    line = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(commands / "python"),
        "install",
        "--quiet",
        "--no-deps",
        str(wheel),
    ]
    subprocess.run(line, check=True, capture_output=True, timeout=120)
    work = folder / "work"
    for name in ("models", "explorer"):
        (work / name).mkdir(parents=True)
        (work / name / "__init__.py").write_text(HIDES)
    own = {"LATENT_CHECKPOINT_DIR", "PYTHONPATH", "LATENT_DATA_DIR"}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment |= {"LATENT_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return commands, work, environment


def output_of(installed: Installed, *line: str) -> str:
    """The output of a command."""
    commands, work, environment = installed
    done = subprocess.run(
        [commands / COMMAND, *line], cwd=work, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def server(installed: Installed, tmp_path: Path) -> Iterator[Server]:
    """The installed command, serving."""
    commands, work, environment = installed
    running = Server(tmp_path, tmp_path, tmp_path / "log.txt")
    running.command = [str(commands / COMMAND), "--port", str(running.port), "--headless"]
    running.folder, running.environment = work, environment
    try:
        running.start()
        yield running
    finally:
        running.kill()


def test_the_wheel_trains_into_the_working_directory_and_the_stage_can_be_dragged(
    installed: Installed, server: Server, chromium: Browser
) -> None:
    _, work, _ = installed
    names = [line.split()[0] for line in output_of(installed, "list").splitlines()]
    assert names == ["faces-vae-10d", "faces-vq-vae", "oscillator-td-vae"]
    output_of(
        installed, "train", "vae", "--data", "digits", "--epochs", "1", "--limit", "100", "--set", "width=4"
    )
    assert (work / "runs" / "digits-vae" / "card.json").is_file()

    page = StagePage(chromium.new_page(viewport={"width": 1440, "height": 900}), server.url)
    try:
        page.open(model=names[0])
        font = page.page.evaluate(
            "getComputedStyle(document.querySelector('[data-testid=stApp]')).fontFamily"
        )
        assert font.startswith("Inter"), "config.toml applies in any folder"
        assert page.page.get_by_test_id("stMainMenu").count() == 0, "toolbarMode is minimal"
        before = page.shown()
        page.drag("A", 60, 40)
        page.until(lambda: page.changed(before, "A"), "another picture of A")
        assert not page.errors
    finally:
        page.page.context.close()
