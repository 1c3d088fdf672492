"""Tests of the download against a real HTTP server."""

from __future__ import annotations

import gzip
import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data.download import DownloadError, Remote, fetch
from tests.models.data.server import Mirror, serve

NAME = "values.gz"
PLAIN = np.random.default_rng(0).bytes(300_000)
FILE = gzip.compress(PLAIN, mtime=0)
REMOTE = Remote(NAME, len(FILE), len(PLAIN), hashlib.sha256(PLAIN).hexdigest())
HALF = len(FILE) // 2


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serve(Mirror({NAME: FILE})) as running:
        yield running


def get(mirror: Mirror, folder: Path, remote: Remote = REMOTE, **options: Any) -> Path:
    return fetch(
        remote,
        mirror.address,
        folder,
        **{"pause": 0.0, "timeout": 5.0, "progress": False} | options,
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


def test_whole_file(mirror: Mirror, tmp_path: Path) -> None:
    path = get(mirror, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / NAME
    assert path.read_bytes() == FILE
    assert mirror.requests == [(f"/data/{NAME}", None)]
    assert names(path.parent) == {NAME}


def test_a_file_that_is_there_is_not_asked_for(mirror: Mirror, tmp_path: Path) -> None:
    get(mirror, tmp_path)
    get(mirror, tmp_path)
    assert len(mirror.requests) == 1


def test_progress_bar(mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    get(mirror, tmp_path, progress=True)
    assert NAME in (bar := capsys.readouterr().err)
    assert "100%" in bar


def test_another_gzip_wrapper_of_the_same_content(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[NAME] = gzip.compress(PLAIN, mtime=962_307_600)
    assert mirror.files[NAME] != FILE
    assert gzip.decompress(get(mirror, tmp_path).read_bytes()) == PLAIN


def test_broken_connection_is_resumed(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks = [HALF, 1_000]
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert [wanted for _, wanted in mirror.requests] == [
        None,
        f"bytes={HALF}-",
        f"bytes={HALF + 1_000}-",
    ]
    assert mirror.sent == [HALF, 1_000, len(FILE) - HALF - 1_000]  # no byte twice


def test_broken_download_is_resumed_by_the_next_call(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks = [HALF]
    with pytest.raises(DownloadError, match=f"interrupted.*{HALF} of {len(FILE)} bytes are downloaded"):
        get(mirror, tmp_path, attempts=1)
    assert names(tmp_path) == {f"{NAME}.part"}
    assert get(mirror, tmp_path, attempts=1).read_bytes() == FILE
    assert mirror.requests[-1] == (f"/data/{NAME}", f"bytes={HALF}-")
    assert mirror.sent == [HALF, len(FILE) - HALF]
    assert names(tmp_path) == {NAME}


def test_whole_part_is_taken_without_a_request(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(FILE)
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert mirror.requests == []


def test_part_that_is_too_long_is_dropped(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(FILE + b"more")
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert mirror.requests == [(f"/data/{NAME}", None)]


def test_part_of_another_file_costs_one_more_download(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"\0" * HALF)
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert [wanted for _, wanted in mirror.requests] == [f"bytes={HALF}-", None]


def test_server_without_ranges_starts_over(mirror: Mirror, tmp_path: Path) -> None:
    mirror.ranges, mirror.breaks = False, [HALF]
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert mirror.requests[1] == (f"/data/{NAME}", f"bytes={HALF}-")
    assert mirror.sent == [HALF, len(FILE)]


def test_another_range_than_asked_for_starts_over(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks, mirror.shift = [HALF], 7
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert [wanted for _, wanted in mirror.requests] == [None, f"bytes={HALF}-", None]


def test_range_that_can_not_be_had_starts_over(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(FILE[:HALF])
    mirror.statuses = [416]
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert [wanted for _, wanted in mirror.requests] == [f"bytes={HALF}-", None]


def test_wrong_checksum(mirror: Mirror, tmp_path: Path) -> None:
    other = bytes([PLAIN[0] ^ 1]) + PLAIN[1:]
    mirror.files[NAME] = gzip.compress(other, mtime=0)
    remote = replace(REMOTE, length=len(mirror.files[NAME]))
    with pytest.raises(DownloadError, match=r"not the expected file: its SHA-256 is .*Removed it"):
        get(mirror, tmp_path, remote)
    assert names(tmp_path) == set()
    assert len(mirror.requests) == 1


def test_damaged_on_the_way(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[NAME] = FILE[:HALF] + bytes([FILE[HALF] ^ 1]) + FILE[HALF + 1 :]
    with pytest.raises(DownloadError, match="not the expected file"):
        get(mirror, tmp_path)
    assert names(tmp_path) == set()


def test_unpacking_is_bounded(mirror: Mirror, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(50_000_000), mtime=0)
    mirror.files[NAME] = bomb
    with pytest.raises(DownloadError, match=f"unpacks to more than {len(PLAIN)} bytes"):
        get(mirror, tmp_path, replace(REMOTE, length=len(bomb)))


def test_announced_length_is_wrong(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[NAME] = FILE + b"more"
    with pytest.raises(DownloadError, match=f"has {len(FILE) + 4} bytes instead of {len(FILE)}"):
        get(mirror, tmp_path)
    assert names(tmp_path) == set()


def test_body_is_too_long(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[NAME], mirror.lengths = FILE + bytes(10_000_000), False
    with pytest.raises(DownloadError, match=f"more than {len(FILE)} bytes"):
        get(mirror, tmp_path)
    assert names(tmp_path) == set()


def test_body_without_a_length(mirror: Mirror, tmp_path: Path) -> None:
    mirror.lengths = False
    assert get(mirror, tmp_path).read_bytes() == FILE


def test_server_that_is_busy_for_a_while(mirror: Mirror, tmp_path: Path) -> None:
    mirror.statuses = [503, 500]
    assert get(mirror, tmp_path).read_bytes() == FILE
    assert len(mirror.requests) == 3


def test_not_found_is_not_tried_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files.clear()
    with pytest.raises(DownloadError, match=r"/data/values\.gz cannot be downloaded: HTTP 404"):
        get(mirror, tmp_path)
    assert len(mirror.requests) == 1


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_offline(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{closed_port()}/data/"
    with pytest.raises(DownloadError) as caught:
        fetch(REMOTE, address, tmp_path, hint="set LATENT_DATA_DIR", progress=False, pause=60.0)
    message = str(caught.value)  # at once: the pause would outlast the test
    assert f"Could not download {NAME} from {address}{NAME}" in message
    assert "refused" in message
    assert f"set LATENT_DATA_DIR, or place the file at {tmp_path / NAME}." in message


def test_silent_server_times_out(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(DownloadError, match="timed out"):
            fetch(REMOTE, address, tmp_path, timeout=0.2, progress=False)


def test_only_http(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"`mirror` must be an http or https address"):
        fetch(REMOTE, "file:///etc", tmp_path)


def test_folder_that_can_not_be_written(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DownloadError, match=r"Could not write values\.gz.*LATENT_CACHE_DIR"):
        get(mirror, tmp_path / "file" / "folder")


def test_two_at_once_download_once(mirror: Mirror, tmp_path: Path) -> None:
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(get(mirror, tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [tmp_path / NAME] * 4
    assert paths[0].read_bytes() == FILE
    assert len(mirror.requests) == 1
