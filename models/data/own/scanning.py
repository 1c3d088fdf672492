"""Detects the kind of a source, and lists the pictures of a folder, zip, Parquet file, tar or array."""

from __future__ import annotations

__all__ = ["HINT", "fingerprint_of", "scan"]

from collections.abc import Sequence
from pathlib import Path

from models.data.own.arrays import scan_arrays
from models.data.own.layout import scan_tree
from models.data.own.parquet import holds_pictures, scan_parquet
from models.data.own.readers import JoinedPictures
from models.data.own.records import shown
from models.data.own.sources import ENDINGS_OF_CONTAINERS, Scan, split_of
from models.data.own.trees import File, Folder, Listing, Tar, Zip, digest, stamp
from models.data.own.unpacking import OPENERS, unpack_members, unpack_stream
from models.data.pictures import KINDS

HINT = "Open a folder, a zip, a Parquet file, a WebDataset tar, or an npy or npz file of pictures."


def scan(path: Path, members: Sequence[str] = ()) -> Scan:
    """Lists the pictures of a source.

    Arguments:
        path: A folder or file.
        members: Files and folders in the folder to read; () for all.

    Raises:
        ValueError: If the source is not of a supported kind.
    """
    if members:
        return _scan_members(path, members)
    if path.is_dir():
        return _scan_folder(path)
    if not path.is_file():
        raise ValueError(f"{shown(str(path))} is neither a folder nor a file. {HINT}")
    name = path.name.lower()
    opened = Path(path)
    if name.rpartition(".")[2] in OPENERS:
        opened, name = unpack_stream(path), "unpacked.tar"
    start = _start(opened)
    if name.endswith(".npy"):
        return scan_arrays({path.stem: path}, path)
    if start.startswith(b"PK") or name.endswith((".zip", ".npz")):
        return _scan_zip(path)
    if start.startswith(b"PAR1"):
        return scan_parquet([path])
    if start[257:262] == b"ustar" or name.endswith(".tar"):
        tar = Tar(opened)
        found = scan_tree(tar, "webdataset", tar.listing())
        found.fingerprint = stamp(path)
        return found
    if name.rpartition(".")[2] in KINDS:
        raise ValueError(f"{shown(str(path))} is one picture. Open its folder.")
    raise ValueError(f"{shown(str(path))} is not of a supported kind. {HINT}")


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError as error:
        raise ValueError(
            f"{shown(str(path))} cannot be read: {error.strerror}. Change its permissions."
        ) from error


def _scan_folder(path: Path) -> Scan:
    folder = Folder(path)
    listing = folder.listing()
    found = _containers(folder, listing)
    if found is None:
        return scan_tree(folder, "folder", listing)
    found.fingerprint = folder.fingerprint(listing)
    found.refused += listing.refused
    return found


def _scan_members(path: Path, members: Sequence[str]) -> Scan:
    """Scans members of a folder; picture files and folders form one tree, so that folders are classes."""
    plain, scans = [], []
    for member in members:
        each = path / member
        found = None if each.suffix.lower().removeprefix(".") in KINDS and each.is_file() else scan(each)
        if found is None or found.form == "folder":
            plain.append(member)
        else:
            scans.append(found)
    if plain:
        tree = Folder(path, plain)
        scans.insert(0, scan_tree(tree, "folder", tree.listing()))
    found = joined(scans) if len(scans) > 1 else scans[0]
    found.fingerprint = fingerprint_of(path, members)
    return found


def fingerprint_of(path: Path, members: Sequence[str] = ()) -> str:
    """Computes a hash that changes with the source, without reading the files.

    Raises:
        ValueError: If it cannot be listed.
    """
    if members:
        return digest((member, fingerprint_of(path / member)) for member in members)
    if path.is_dir():
        folder = Folder(path)
        return folder.fingerprint(folder.listing())
    return stamp(path)


def _containers(folder: Folder, listing: Listing) -> Scan | None:
    """Scans the Parquet files, tars or arrays of a folder without picture files; None if it has none."""
    endings: dict[str, list[Path]] = {}
    for file in listing.files:
        endings.setdefault(file.name.rpartition(".")[2].lower(), []).append(folder.path / file.name)
    if any(kind in endings for kind in KINDS):
        return None
    if files := [each for each in endings.get("parquet", ()) if holds_pictures(each)]:
        return scan_parquet(files)
    if files := endings.get("tar", []):
        return joined([_scan_tar(each) for each in files])
    if files := endings.get("npy", []):
        return scan_arrays({each.stem: each for each in files}, *files)
    if files := [each for kind in ("zip", "npz") for each in endings.get(kind, ())]:
        if len(files) == 1:
            return _scan_zip(files[0])
        raise ValueError(
            f"{shown(str(folder.path))} holds {len(files)} archives. Open one of them, such as "
            f"{shown(files[0].name)}."
        )
    return None


def _scan_tar(path: Path) -> Scan:
    tar = Tar(path)
    return scan_tree(tar, "webdataset", tar.listing(), split_of(path.name))


def _scan_zip(path: Path) -> Scan:
    """Scans a zip of pictures, or of containers of pictures, which are unpacked to the cache."""
    archive = Zip(path)
    listing = archive.listing()
    endings = {file.name.rpartition(".")[2].lower() for file in listing.files}
    inner: list[File] = []
    if not endings & set(KINDS):
        inner = [file for file in listing.files if file.name.lower().endswith(ENDINGS_OF_CONTAINERS)]
    if not inner:
        return scan_tree(archive, "zip", listing)
    unpacked = Folder(unpack_members(path, inner))
    found = _containers(unpacked, unpacked.listing())
    if found is None:
        raise ValueError(f"{shown(str(path))} holds no pictures. {HINT}")
    found.fingerprint = stamp(path)
    return found


def joined(scans: Sequence[Scan]) -> Scan:
    """Joins several sources."""
    whole = Scan(scans[0].form, JoinedPictures([each.pictures for each in scans]), "", [], [], [])
    for number, each in enumerate(scans):
        start = len(whole.places)
        whole.places += [[number, place] for place in each.places]
        whole.names += each.names
        whole.splits += each.splits
        whole.refused += each.refused
        whole.notes += [note for note in each.notes if note not in whole.notes]
        whole.comma |= each.comma
        for title, cells in each.cells.items():
            held = whole.cells.setdefault(title, [])
            held += [None] * (start - len(held))
            held += cells
    for held in whole.cells.values():
        held += [None] * (len(whole.places) - len(held))
    return whole
