from __future__ import annotations

from collections.abc import Iterator

from pavedroad.checks.files import ProjectFile
from pavedroad.checks.model import Found, Place
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.kit.text import size

SUFFIXES = (
    ".pkl", ".pickle", ".pck", ".p", ".joblib", ".jl", ".dill", ".cloudpickle", ".sav", ".model", ".bin",
    ".pt", ".pth", ".ckpt", ".gz", ".lzma", ".xz", ".z",
)  # fmt: skip
# Archives hold a pickle only sometimes; those are believed by their name.
COMPRESSED_NAMES = (
    ".pkl.gz",
    ".pickle.gz",
    ".joblib.gz",
    ".pkl.xz",
    ".pkl.z",
    ".joblib.z",
    ".pkl.lzma",
    ".joblib.lzma",
)
HEAD_BYTES = 4096


@rule("MOD501", "pickle-in-git", since="0.1", explore="note", team="warning", production="error")
def pickle_in_git(project: Project) -> Iterator[Found]:
    """Model files stay out of the repository.

    Why:
        A pickle runs code when it is loaded, cannot be reviewed, and fits only the library versions that
        wrote it. In git it stays for ever, beside code that has moved on. 26% of 42 public projects had
        one.
    Bad:
        ```text
        models/churn.pkl    committed
        ```
    Good:
        ```text
        models/             in .gitignore; the pipeline run keeps the model, `paved register` gives it a
        version
        ```
    Accepts:
        Git LFS pointers. A file is judged by its first bytes, not by its name alone.
    """
    for path, file in project.files.items():
        if path.lower().endswith(SUFFIXES):
            kind = _pickle_kind(path.lower(), project.head(path, HEAD_BYTES))
            if kind:
                yield Found(
                    at=Place(path=path),
                    says=f"{kind} of {size(file.size_bytes)} {_where(project, file)}",
                    hint=f"{_first_step(file)}, and let `paved register` keep the model",
                )


def _where(project: Project, file: ProjectFile) -> str:
    if not project.has_git:
        return "among the project's files"
    return "in git" if file.tracked else "that git does not ignore"


def _first_step(file: ProjectFile) -> str:
    return f"`git rm --cached {file.path}`, ignore it" if file.tracked else "add it to .gitignore"


def _pickle_kind(path: str, head: bytes) -> str:
    """What kind of pickle the first bytes are, or nothing."""
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        is_torch = path.endswith((".pt", ".pth", ".ckpt")) or b"torch" in head[:256]
        return "a torch pickle" if is_torch else "a pickle"
    if head.startswith(b"PK\x03\x04") and b"data.pkl" in head:
        return "a torch pickle"
    if path.endswith(COMPRESSED_NAMES) or (
        path.endswith(".joblib") and head.startswith((b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))
    ):
        return "a compressed pickle" if not _is_pointer(head) and head else ""
    # Protocols 0 and 1 are text; only a pickle's own name makes it likely enough.
    is_named = path.endswith((".pkl", ".pickle"))
    return "a pickle" if is_named and head.startswith((b"c", b"(", b"]q", b"}q")) and b"\n" in head else ""


def _is_pointer(head: bytes) -> bool:
    return head.startswith(b"version https://git-lfs")
