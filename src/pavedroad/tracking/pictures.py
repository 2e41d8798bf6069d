"""Pictures of a run, as a page shows a few of them: what `mlflow.log_image` and `log_figure` wrote."""

from __future__ import annotations

import re

import msgspec

from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader
from pavedroad.tracking.artifact_files import list_files
from pavedroad.tracking.previews import IMAGES, suffix_of

DOWNLOADS = "/api/2.0/mlflow-artifacts/artifacts/"
SHOWN = 8
THUMB_BYTES = 4_000_000  # a larger one is only named
FOLDERS = ("", "images", "plots", "figures")
# `images/<key>+step+<n>+timestamp+<ms>+<uuid>.png`, with a smaller copy `…+compressed.webp` beside it.
_LOGGED = re.compile(
    r"(?P<key>.+)([+%])step\2(?P<step>-?\d+)\2timestamp\2(?P<at>\d+)\2[^+%]+(?P<small>\2compressed)?\.\w+"
)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    href: str  # its page
    source: str  # its bytes


def download_address(path: str) -> str:
    return DOWNLOADS + "/".join(segment(part) for part in path.split("/"))


def file_address(path: str) -> str:
    return "/files/" + "/".join(segment(part) for part in path.split("/"))


def pictures_of(reader: Reader, root: str) -> tuple[list[Picture], int]:
    """The first pictures of a run, of each logged series the newest; and how many there are."""
    found: dict[str, tuple[tuple[int, int], Picture]] = {}
    for folder in FOLDERS:
        for entry in list_files(reader, root, folder):
            if entry.is_dir or suffix_of(entry.path) not in IMAGES or entry.size_bytes > THUMB_BYTES:
                continue
            label, series, order = _named(entry.path.rpartition("/")[2], entry.path)
            held = found.get(series)
            if held is None or order >= held[0]:
                path = f"{root}/{entry.path}"
                picture = Picture(label=label, href=file_address(path), source=download_address(path))
                found[series] = (order, picture)
    return [picture for _, picture in list(found.values())[:SHOWN]], len(found)


def label_of(name: str) -> str:
    """`samples/noise, step 2` for a file that `mlflow.log_image` named; else the name."""
    return _named(name, "")[0]


def _named(name: str, path: str) -> tuple[str, str, tuple[int, int]]:
    """What to call it, its series, and its place there: the newest step counts, then its small copy."""
    logged = _LOGGED.fullmatch(name)
    if logged is None:
        return name, path, (0, 0)
    key, step = logged["key"].replace("~", "/").replace("#", "/"), int(logged["step"])
    return f"{key}, step {step:,}", f"series {key}", (step, 1 if logged["small"] else 0)
