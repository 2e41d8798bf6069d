"""Folders that mean harm: the check ends within bounds of memory and time, and nothing of them is run."""

import gzip
import json
import os
import pickle
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

MEMORY_BYTES = 2**30
PROCESSOR_S = 20
SPLIT = "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2])\n"
ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghijkl", "bcdefghijklm", strict=True)
)

YAML = ("docker-compose.yml", "environment.yml", "conda-lock.yml", ".github/workflows/ci.yml")
TEXTS = ("a.py", "b.ipynb", "requirements.txt", "uv.lock", "Dockerfile", ".env", ".gitignore", "m.pkl")


class Harm:
    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.marker,)


def notebook(**cell: object) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": "x = 1", "outputs": [], **cell}]})


def with_archive(root: Path) -> None:
    with zipfile.ZipFile(root / "model.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"\0" * 200_000_000)


def with_links(root: Path) -> None:
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "a.py").symlink_to("b.py")
    (root / "b.py").symlink_to("a.py")
    for name in ("requirements.txt", ".gitignore", "model.pkl"):
        (root / name).symlink_to("/dev/zero")


def with_pipes(root: Path) -> None:
    for name in ("pipe.py", "pyproject.toml", ".gitignore", "uv.lock", "paved-baseline.json"):
        os.mkfifo(root / name)


def files(**content: str | bytes) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        for name, text in content.items():
            file = root / name.replace("__", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode() if isinstance(text, str) else text)

    return write


HARM: dict[str, Callable[[Path], None]] = {
    "aliases in YAML": files(**dict.fromkeys(YAML, ALIASES)),
    "YAML without end": files(**{"docker-compose__yml": "a: " + "[" * 100_000}),
    "TOML without end": files(uv__lock="a = " + "[" * 100_000, Pipfile="a = " + "[" * 100_000),
    "JSON without end": files(a__ipynb='{"a":' * 100_000, Pipfile__lock='{"a":' * 100_000),
    "code without end": files(a__py="x = " + " + ".join(["1"] * 50_000), b__py="(" * 200_000),
    "a line of a megabyte": files(
        a__py="x = '" + "/a" * 500_000 + "'", requirements__txt="a" * 1_000_000, README__md="[" * 1_000_000
    ),
    "a million words": files(
        Dockerfile="FROM a\nRUN pip install " + "a " * 500_000, __env="P=" + "a1B2" * 250_000
    ),
    "bytes that are no text": files(**dict.fromkeys(TEXTS, b"\xff\xfe\x00\xd8" + bytes(range(256)) * 20)),
    "a picture of 50 MB in a notebook": files(
        a__ipynb=notebook(outputs=[{"output_type": "display_data", "data": {"image/png": "A" * 50_000_000}}])
    ),
    "text of 50 MB in a notebook": files(
        a__ipynb=notebook(outputs=[{"output_type": "stream", "text": "password = a / home ann " * 2_000_000}])
    ),
    "code of 50 MB in a notebook": files(a__ipynb=notebook(source=["x = 1\n"] * 5_000_000)),
    "stars": files(__gitignore="**/" * 25 + "a\n" + "*a" * 40 + "b\n", **{"a" * 120: "x"}),
    "ignores without end": files(a__py="# paved: ignore[" + ",".join(map(str, range(200_000))) + "] x\n"),
    "a pickle that grows": files(m__pkl=b"\x80\x02]" + b"2" * 5_000_000 + b"."),
    "a pickle that asks for memory": files(m__pkl=b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"abc"),
    "a packed pickle": files(**{"m.pkl.gz": gzip.compress(b"\x80\x04" + b"\0" * 100_000_000)}),
    "an archive": with_archive,
    "links": with_links,
    "pipes": with_pipes,
}  # fmt: skip


def check(root: Path, home: Path) -> subprocess.CompletedProcess[str]:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))

    command = [sys.executable, "-m", "pavedroad.cli", "check", str(root), "--json", "--profile", "production"]
    environment = {"PATH": os.environ["PATH"], "PAVED_HOME": str(home)}
    return subprocess.run(
        command, env=environment, preexec_fn=bound, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_the_check_ends_within_bounds_and_the_rest_is_still_checked(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "train.py").write_text(SPLIT)
    harm(root)
    done = check(root, tmp_path / "home")

    assert done.returncode == 1, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["failures"] == []
    assert ("REP201", "train.py") in {
        (finding["code"], finding["place"]["path"]) for finding in report["findings"]
    }
    assert all(finding["place"]["line"] >= 1 for finding in report["findings"])


def test_a_manifest_without_end_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("a = " + "[" * 100_000)
    done = check(root, tmp_path / "home")

    assert done.returncode == 2
    assert "nested too deeply" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "train.py").write_text(SPLIT)
    (root / "model.pkl").write_bytes(pickle.dumps(Harm(str(tmp_path / "ran"))))
    done = check(root, tmp_path / "home")

    assert "MOD502" in done.stdout
    assert not (tmp_path / "ran").exists()
