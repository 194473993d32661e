"""The file that says that a service has begun."""

from __future__ import annotations

from pathlib import Path

from stavbill.files import write_file


def write_ready_file(path: Path, text: str) -> None:
    """Write the file of `--ready-file`: whoever sees it there sees the whole of it.

    A file of an earlier start is replaced. Raises OSError.
    """
    draft = path.with_name(f"{path.name}.part")
    write_file(draft, text)
    draft.replace(path)
