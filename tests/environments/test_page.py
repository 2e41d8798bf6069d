"""The examples of docs/environments.md, run as they stand there."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pavedroad.environments.examination import PROBES

PAGE = Path(__file__).parents[2] / "docs" / "environments.md"
LOCKS = Path(__file__).parent / "locks"
INSTALLED = """
anyio-4.16.0 certifi-2026.10.19.post1 h11-0.16.0 h2-4.4.1 hpack-4.2.0 httpcore-1.0.9 httpx-0.28.1
hyperframe-6.1.0 idna-3.20 sniffio-1.3.1 tqdm-4.70.1 ipdb-0.13.13
"""


def make_project(folder: Path) -> None:
    """Two commits with another lock each, and an environment that is not quite as locked."""
    packages = folder / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "flights"\n')
    (folder / ".venv" / "pyvenv.cfg").write_text("version_info = 3.11.7\n")
    for name in INSTALLED.split():
        (packages / f"{name}.dist-info").mkdir()
    for command in (["init", "-q"], ["config", "user.email", "a@b.c"], ["config", "user.name", "ada"]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    for case in ("service", "mixed"):
        shutil.copy(LOCKS / f"uv-{case}" / "uv.lock", folder)
        subprocess.run(["git", "-C", folder, "add", "uv.lock"], check=True)
        subprocess.run(["git", "-C", folder, "commit", "-qm", case], check=True)


def test_every_example_prints_what_the_page_says(paved: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "flights"
    make_project(folder)
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    printed = []
    for line in "".join(blocks).splitlines():
        if line.startswith("$ "):
            done = paved(*shlex.split(line[2:])[1:], cwd=folder, code=None)
            printed += [line, *done.out.replace(str(folder), "/lab/flights").splitlines()]
    assert printed == "".join(blocks).splitlines()


def test_the_screen_on_the_page_has_a_line_of_every_probe() -> None:
    text = PAGE.read_text("utf-8").partition("$ paved doctor\n")[2].partition("```")[0]
    shown = set(re.findall(r"^(?:ok|warn|fail) +(\w+)  ", text, re.MULTILINE))
    assert shown == {probe.name for probe in PROBES}
