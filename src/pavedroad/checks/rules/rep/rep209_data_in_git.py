from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.files import ProjectFile, path_pattern
from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.kit.text import count, size

LARGE_BYTES = 500_000
DATA = (
    ".csv", ".tsv", ".parquet", ".feather", ".arrow", ".avro", ".orc", ".jsonl", ".ndjson", ".xlsx", ".xls",
    ".npy", ".npz", ".h5", ".hdf5", ".mat", ".sas7bdat", ".dta", ".rds", ".rdata", ".sqlite", ".sqlite3",
    ".duckdb", ".tfrecord", ".tfrecords", ".lmdb", ".arff", ".libsvm", ".svmlight",
)  # fmt: skip
# What may be data and may be anything else: only where the folder says so.
PERHAPS_DATA = (".json", ".txt", ".dat", ".db", ".zip", ".gz", ".tar", ".tgz", ".7z", ".bz2", ".xz", ".zst")
_DATA_FOLDER = re.compile(
    r"(^|/)(data|datasets?|raw|interim|processed|input|corpus|corpora)(/|$)", re.IGNORECASE
)
_LFS_LINE = re.compile(r"^\s*([^\s#]\S*)\s+.*\bfilter=lfs\b", re.MULTILINE)
# Models have a rule of their own (MOD501), and tracked runs another (MOD509).
NOT_OURS = re.compile(
    r"(^|/)(mlruns|mlartifacts|node_modules|docs?|static|assets|examples?|[\w-]*models?|weights|checkpoints)/",
    re.IGNORECASE,
)


@rule("REP209", "data-in-git", since="0.1", explore="note", team="warning", production="error")
def data_in_git(project: Project) -> Iterator[Found]:
    """Large data are versioned beside git, not in it.

    Why:
        Every version of the file stays in every clone for ever, and no commit says which data a model was
        trained on. 26% of 42 public projects had a data file above 500 kB in git; 95% used neither DVC nor
        LFS.
    Bad:
        ```text
        data/rides.csv    40 MB, committed
        ```
    Good:
        ```text
        data/rides.csv.dvc    committed; `dvc pull` fetches the file
        ```
    Accepts:
        Files up to 500 kB, files that git LFS keeps, data of tests, documentation and examples.
    References:
        https://dvc.org/doc/start/data-management/data-versioning
    """
    lfs = _kept_by_lfs(project)
    folders: dict[str, list[ProjectFile]] = {}
    for path, file in project.files.items():
        if file.size_bytes <= LARGE_BYTES or not _is_data(path) or project.is_test(path):
            continue
        if f"{path}.dvc" not in project.files and not any(kept.fullmatch(path) for kept in lfs):
            folders.setdefault(path.rpartition("/")[0], []).append(file)
    for folder, files in folders.items():
        largest = max(files, key=lambda file: file.size_bytes)
        total = size(sum(file.size_bytes for file in files))
        name = largest.path if len(files) == 1 else f"{folder or '.'}/"
        yield Found(
            at=Place(path=largest.path),
            says=f"{count(len(files), 'data file')} of {total} {_where(project, largest)}"
            + (f" in {folder or 'the root folder'}" if len(files) > 1 else ""),
            hint=_hint(name, largest.tracked),
        )


def _is_data(path: str) -> bool:
    lowered = path.lower()
    if NOT_OURS.search(lowered):
        return False
    plain = lowered.removesuffix(".gz").removesuffix(".zip").removesuffix(".bz2")
    return plain.endswith(DATA) or (
        lowered.endswith(PERHAPS_DATA) and _DATA_FOLDER.search(lowered) is not None
    )


def _kept_by_lfs(project: Project) -> list[re.Pattern[str]]:
    patterns = []
    for path in project.named(".gitattributes"):
        folder = path.removesuffix(".gitattributes")
        for glob in _LFS_LINE.findall(project.text(path)):
            try:
                patterns.append(
                    path_pattern(
                        f"{folder}**/{glob.lstrip('/')}" if "/" not in glob else folder + glob.lstrip("/")
                    )
                )
            except re.error:
                continue
    return patterns


def _where(project: Project, file: ProjectFile) -> str:
    if not project.has_git:
        return "among the project's files"
    return "in git" if file.tracked else "that git does not ignore"


def _hint(name: str, tracked: bool) -> str:
    if tracked:
        return f"`git rm -r --cached {name}`, then `dvc add {name}` or git LFS keeps it beside git"
    return f"`dvc add {name}`, git LFS, or a line in .gitignore keeps it out of git"
