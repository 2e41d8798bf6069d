from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Call, Module
from pavedroad.kit.text import middle_cut

_PANDAS = (
    "read_csv", "read_parquet", "read_json", "read_excel", "read_table", "read_feather", "read_fwf",
    "read_orc", "read_ndjson", "scan_csv", "scan_parquet", "scan_ndjson", "read_ipc", "scan_ipc",
)  # fmt: skip
FRAMES = (
    "pandas",
    "polars",
    "dask.dataframe",
    "modin.pandas",
    "geopandas",
    "cudf",
    "pyarrow.csv",
    "pyarrow.parquet",
)
FETCHERS = ("urllib.request.urlretrieve", "wget.download", "gdown.download", "urllib.urlretrieve")
_URL = re.compile(r"(https?|ftp)://", re.IGNORECASE)
_LOCAL = re.compile(
    r"(https?|ftp)://(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|host\.docker\.internal)", re.IGNORECASE
)
# A digest, a version or a record number in the address: another content would have another one.
_FIXED = re.compile(
    r"[0-9a-f]{32,}|[?&](versionid|generation)=|/(records?|files|datafile|get_csv)/\d{3,}|doi\.org/|/v?\d+\.\d+(\.\d+)?/|[-_]v?\d+\.\d+\.\d+[-_./]"
    r"|/resolve/[0-9a-f]{7,}|@[0-9a-f]{7,}",
    re.IGNORECASE,
)
# Words of a check that what came is what was meant.
Names = dict[str, list[ast.expr]]
_CHECKS_CONTENT = ("hashlib", "pooch", "blake3", "xxhash")
_HASH_WORD = re.compile(r"sha_?(1|256|512)|md5|checksum|known_hash|digest", re.IGNORECASE)


@rule(
    "REP210",
    "unpinned-download",
    since="0.1",
    explore="note",
    team="note",
    production="warning",
    by_module=True,
)
def unpinned_download(project: Project) -> Iterator[Found]:
    """Data that come from the web are the same tomorrow.

    Why:
        Whoever owns the address may correct, move or delete the file: last month's model cannot be trained
        again, and nobody notices that the rows are others.
    Bad:
        ```python
        import pandas as pd

        rides = pd.read_csv("https://example.org/rides/latest.csv")
        ```
    Good:
        ```python
        import pooch
        import pandas as pd

        path = pooch.retrieve("https://example.org/rides/latest.csv", known_hash="sha256:5f2d...")
        rides = pd.read_csv(path)
        ```
    Accepts:
        Addresses with a commit, a digest, a version or a record number, files of this machine, modules that
        compare a hash, tests.
    References:
        https://www.fatiando.org/pooch/latest/
    """
    for module in project.modules:
        if project.is_test(module.path) or _checks_content(module):
            continue
        reads = list(_reads(module))
        names = _names_given(module) if reads else {}
        for call in reads:
            url = _address(call, names)
            if url and _URL.match(url) and not _LOCAL.match(url) and not _FIXED.search(url):
                yield Found(
                    at=module.place(call.node),
                    says=f"{call.tail} takes whatever {middle_cut(url, 60)} holds that day",
                    hint="keep a copy under versions (DVC, a bucket that has them), or compare its SHA-256",
                )


def _checks_content(module: Module) -> bool:
    imported = any(root in _CHECKS_CONTENT for root in (name.partition(".")[0] for name in module.imports))
    return imported or any(_HASH_WORD.search(call.tail) for call in module.all_calls())


def _reads(module: Module) -> Iterator[Call]:
    for call in module.calls(*_PANDAS):
        if any(call.is_from(package) for package in FRAMES):
            yield call
    for call in module.calls("urlretrieve", "download"):
        if call.name in FETCHERS:
            yield call


def _address(call: Call, names: Names) -> str:
    """The address given, as far as the text shows it: a constant, an f-string, or a name for one."""
    value = call.node.args[0] if call.node.args else None
    for name in ("filepath_or_buffer", "path", "io", "url", "source"):
        value = value or call.keyword(name)
    return _text_of(value, names, depth=3) if value is not None else ""


def _text_of(value: ast.expr, names: Names, depth: int) -> str:
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else ""
    if isinstance(value, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{…}" for part in value.values)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and depth:
        return _text_of(value.left, names, depth - 1) + _text_of(value.right, names, depth - 1)
    if isinstance(value, ast.Name) and depth:
        given = names.get(value.id, [])
        before = [each for each in given if each.lineno <= value.lineno] or given
        return _text_of(before[-1], names, depth - 1) if before else ""
    return ""


def _names_given(module: Module) -> Names:
    """Name -> everything it is assigned in the module, in the order of the text."""
    given: Names = {}
    for node in module.parents:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    given.setdefault(target.id, []).append(node.value)
    for values in given.values():
        values.sort(key=lambda value: value.lineno)
    return given
