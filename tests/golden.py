"""Approved texts: a file that people have read stands for what the code must say."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import override

APPROVED = Path(__file__).parent / "golden"


class ApprovedText(str):
    """The approved text; being compared in a rewriting session, it takes the other's words."""

    __slots__ = ("_path", "_rewrites")

    _path: Path
    _rewrites: bool

    @classmethod
    def load(cls, name: str, *, rewrites: bool) -> ApprovedText:
        """Read `name` from tests/golden; a file that is not there yet is empty."""
        path = APPROVED / name
        text = cls(path.read_text(encoding="utf-8") if path.exists() else "")
        text._path = path
        text._rewrites = rewrites
        return text

    @override
    def __eq__(self, other: object) -> bool:
        if self._rewrites and isinstance(other, str):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(str(other), encoding="utf-8")
            return True
        return str.__eq__(self, other)

    __hash__ = str.__hash__
