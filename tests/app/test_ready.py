"""The ready file: it is there whole, or it is not there."""

from __future__ import annotations

from pathlib import Path

from stavbill.app.ready import write_ready_file


def test_a_ready_file_takes_its_place_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "ready"
    path.write_text("earlier", encoding="utf-8")
    # Whoever has the earlier file open goes on reading it: it was replaced, not written over.
    with path.open(encoding="utf-8") as earlier:
        write_ready_file(path, "http://127.0.0.1:8080")
        assert earlier.read() == "earlier"
    assert path.read_text(encoding="utf-8") == "http://127.0.0.1:8080"
    assert list(tmp_path.iterdir()) == [path]
