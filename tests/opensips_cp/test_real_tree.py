"""The Control Panel itself, which is under the GPL and so not in this repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import Run
from .panel import snapshot

TREE = os.environ.get("SIPVAULT_OPENSIPS_CP_TREE")


@pytest.mark.skipif(
    not TREE,
    reason="SIPVAULT_OPENSIPS_CP_TREE names no checkout of OpenSIPS/opensips-cp (a"
    " branch from 6.2 on)",
)
def test_the_button_goes_into_the_real_tree_and_out_again(
    tmp_path: Path, run: Run
) -> None:
    root = tmp_path / "panel"
    shutil.copytree(str(TREE), root, symlinks=True)
    before = snapshot(root)
    assert run("install", root).exit_code == 0
    assert run("status", root).stdout == "installed\n"
    assert run("uninstall", root).exit_code == 0
    assert snapshot(root) == before
