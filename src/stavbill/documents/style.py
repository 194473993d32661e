"""How this installation's invoices look: templates, images by issuer, fonts.

Handed to every rendering process as a whole, and checked before the first one starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stavbill.documents.images import Picture

OURS = Path(__file__).parents[3] / "templates" / "invoice"
INSTALLED = Path(__file__).parents[1] / "templates" / "invoice"
LOGO, STAMP = "logo", "stamp"
SIGNATURES = ("signature1", "signature2")


@dataclass(frozen=True, slots=True)
class Style:
    """Templates of `folder` where it has them, ours elsewhere; images by issuer and name.

    Names are `logo`, `stamp`, `signature1` and `signature2`, after the order of signers.
    """

    folder: Path | None = None
    pictures: Mapping[str, Mapping[str, Picture]] = field(default_factory=dict)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where templates are looked for, the first one first."""
        ours = OURS if OURS.is_dir() else INSTALLED
        return (ours,) if self.folder is None else (self.folder, ours)
