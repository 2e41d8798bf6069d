"""The commands in docs/storage.md print what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "storage.md"


def test_the_page_shows_what_the_commands_print(tmp_path: Path) -> None:
    (block,) = re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    (tmp_path / "paved").write_text(f'#!/bin/sh\nexec {sys.executable} -m pavedroad.cli "$@"\n')
    (tmp_path / "paved").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for example in block.split("$ ")[1:]:
        command, _, expected = example.partition("\n")
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment)
        assert (done.stdout + done.stderr).rstrip("\n") == expected.rstrip("\n"), command
