"""Files and folders that the service makes: for their owner alone, whatever the umask says.

Databases, settings, documents and ready files tell customers' names, sums and addresses.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
FOR_OTHERS = 0o077


def make_private_by_default() -> None:
    """Let every file that this process makes be its owner's, those of libraries too."""
    os.umask(FOR_OTHERS)


def make_folder(folder: Path) -> None:
    """Make a folder with those above it; one that is there already stays as it is."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(FOLDER, exist_ok=True)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a whole file; an older one is for its owner alone from now on."""
    body = content.encode() if isinstance(content, str) else content
    with os.fdopen(_opened(path, os.O_TRUNC), "wb") as file:
        file.write(body)


def keep_private(path: Path) -> None:
    """Take a file from all others, or make an empty one that another library goes on with.

    A file that is there is never opened: closing it would end every lock that this process holds on
    it, and SQLite's locks are such. A file that belongs to another user stays as it is: its owner
    decides.
    """
    try:
        # Born private: a file that is narrowed after writing was readable for a moment.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))
    except FileExistsError:
        known = path.stat()
        if known.st_mode & FOR_OTHERS and known.st_uid == os.geteuid():
            path.chmod(FILE)


def _opened(path: Path, flags: int) -> int:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, FILE)
    try:
        known = os.fstat(handle)
        if known.st_mode & FOR_OTHERS and known.st_uid == os.geteuid():
            os.fchmod(handle, FILE)
    except BaseException:
        os.close(handle)
        raise
    return handle
