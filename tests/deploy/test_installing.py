"""What runs the service cannot install anything: its environment is made without pip."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = str(ROOT / "scripts" / "pip.sh")


def packages(environment: Path) -> set[str]:
    """Name what an environment can import, tools for installing included."""
    (folder,) = environment.glob("lib/python3.*/site-packages")
    return {path.name for path in folder.iterdir() if not path.name.startswith(("_", "."))}


def test_an_environment_is_born_without_pip(tmp_path: Path) -> None:
    script = str(ROOT / "scripts" / "create-venv.sh")
    subprocess.run([script, sys.executable, str(tmp_path / "made")], check=True)
    assert packages(tmp_path / "made") == set()


def test_an_interpreter_without_pip_lends_its_own(tmp_path: Path) -> None:
    """Debian has pip and ensurepip in packages of their own; either of them is enough."""
    bare, made = tmp_path / "bare", tmp_path / "made"
    for folder in (bare, made):
        venv.create(folder, with_pip=False, symlinks=True)
    python = str(bare / "bin" / "python")
    told = subprocess.run(
        [PIP, python, str(made), "check"], check=False, capture_output=True, text=True
    )
    if find_spec("ensurepip") is None:
        assert told.returncode == 1
        assert "apt-get install python3-pip" in told.stderr
    else:
        assert told.returncode == 0, told.stderr
    assert packages(made) == packages(bare) == set()


@pytest.mark.parametrize("tool", ["pip", "setuptools", "wheel"])
def test_the_production_lock_brings_no_tool_for_installing(tool: str) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.search(rf"^{tool}==", lock, re.MULTILINE) is None


def test_make_takes_what_an_older_environment_had() -> None:
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    installed = make.partition("$(VENV)/installed.stamp:")[2].partition("\n\n")[0]
    assert "uninstall --yes --quiet --quiet pip setuptools" in installed
