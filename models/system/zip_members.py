"""Opens the members of a zip that can be read piece by piece."""

from __future__ import annotations

import zipfile
from typing import IO

__all__ = ["METHODS", "open_member"]

# zipfile inflates these in pieces; a member packed with bzip2 or LZMA it inflates whole, whatever is asked for.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """Opens a member for reading; `read(n)` then takes memory in proportion to n.

    Raises:
        ValueError: If it is compressed by a method other than deflate.
        zipfile.BadZipFile, OSError, RuntimeError: If the archive is damaged or protected by a password.
    """
    if member.compress_type not in METHODS:
        raise ValueError(
            f"{member.filename[:80]!r} is compressed by method {member.compress_type}; only deflate is read. Save the "
            "zip with the usual compression."
        )
    return archive.open(member)
