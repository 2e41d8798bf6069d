"""What a pickle would do when it is loaded, found by walking its opcodes. Nothing is ever loaded.

A small machine keeps the stack as signs instead of objects: names, short texts, tuples, calls. That is enough
to see each name a pickle asks for, however it spells it, the scikit-learn version its estimators were written
with, and where the raw bytes of a joblib array begin and end.

Bounded in operations, nesting, bytes unpacked, and entries of an archive.
"""

from __future__ import annotations

import bz2
import lzma
import mmap
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from pavedroad.checks.pickle_machine import Broken, Budget, Global, Machine

# Names under which models and arrays are kept; whether it is a pickle its first bytes say.
PICKLE_SUFFIXES = (
    ".pkl", ".pickle", ".pck", ".p", ".joblib", ".jl", ".dill", ".cloudpickle", ".sav", ".model", ".bin",
    ".pt", ".pth", ".ckpt", ".npy", ".npz", ".pkl.gz", ".pickle.gz", ".joblib.gz", ".pkl.bz2", ".pkl.xz",
    ".joblib.xz", ".z", ".lzma",
)  # fmt: skip
UNPACKED_BYTES = 64 * 2**20  # of one compressed file; a longer one is read so far
ENTRY_BYTES = 32 * 2**20
MOST_ENTRIES = 20_000
LARGEST_DIRECTORY_BYTES = 4 * 2**20
BOMB_RATIO = 200  # unpacked to packed; text of one letter reaches 1000, models about 10
PICKLES_IN_A_ROW = 16  # legacy torch files hold five
_ZIP_END = struct.Struct("<4s4H2LH")
_NUMPY_HEADER = re.compile(rb"'descr':\s*['\"]\|?O")
_TEXT_PICKLE = re.compile(rb"c[\w.]+\n[\w.]+\n|\(+([SVIFLNK]|[ldtio\x8c]|[ic][\w.]+\n)|[\]}(]q\x00|[\]}]\.")
_EMPTY_ZIP = b"PK\x05\x06"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's pickles ask for."""

    globals: tuple[Global, ...]  # each once, in the order of the file
    sklearn_versions: tuple[str, ...] = ()
    trouble: str = ""  # why it was not read to its end, or asks for more than it should


def read_pickles(file: Path) -> Facts | None:
    """What the pickles of a file ask for; None when it holds none. Raises OSError."""
    if file.stat().st_size < 2:
        return None
    with file.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as data:
        head = bytes(data[:128])
        if head.startswith(b"PK\x03\x04"):
            return _read_archive(file, data)
        if head.startswith(b"\x93NUMPY"):
            return _read_numpy(data)
        unpacker = _unpacker(head)
        if unpacker:
            return _read_packed(data, unpacker)
        if not starts_a_pickle(head):
            return None
        facts = _walk(data)
        is_text = head[0] != 0x80 and not facts.globals
        return None if is_text and facts.trouble else facts  # a text that only looked like one


def starts_a_pickle(head: bytes) -> bool:
    if len(head) > 2 and head[0] == 0x80:
        return 2 <= head[1] <= 5
    return _TEXT_PICKLE.match(head) is not None  # protocols 0 and 1


def _walk(data: bytes | mmap.mmap, *, start: int = 0, is_cut: bool = False) -> Facts:
    """Every pickle in a row; bytes behind the first that are none belong to whoever wrote them."""
    machine = Machine(data, Budget())
    machine.at = start
    trouble = ""
    for number in range(PICKLES_IN_A_ROW):
        at = machine.at
        if number and not starts_a_pickle(bytes(data[at : at + 128])):
            break
        try:
            machine.run()
        except Broken as broken:
            if number == 0 or broken.is_limit:
                trouble = "" if is_cut and not broken.is_limit else str(broken)
            break
    return Facts(
        globals=tuple(machine.globals),
        sklearn_versions=tuple(machine.sklearn_versions),
        trouble=machine.excess or trouble,
    )


# ------------------------------------------------------------------------------------ packed and in archives

Unpack = Callable[[bytes], bytes]


def _unpacker(head: bytes) -> Unpack | None:
    """As joblib writes them: the first bytes tell which."""
    if head.startswith(b"\x1f\x8b"):
        return lambda data: zlib.decompressobj(31).decompress(data, UNPACKED_BYTES)
    if head[:1] == b"\x78" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return lambda data: zlib.decompressobj().decompress(data, UNPACKED_BYTES)
    if head.startswith(b"BZh"):
        return lambda data: bz2.BZ2Decompressor().decompress(data, UNPACKED_BYTES)
    if head.startswith((b"\xfd7zXZ", b"]\x00\x00")):
        limit = lzma.LZMADecompressor(memlimit=2 * UNPACKED_BYTES)
        return lambda data: limit.decompress(data, UNPACKED_BYTES)
    return None


def _read_packed(data: mmap.mmap, unpack: Unpack) -> Facts | None:
    try:
        unpacked = unpack(data[:UNPACKED_BYTES])
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
        return Facts(globals=(), trouble=f"cannot be unpacked: {error}")
    if not starts_a_pickle(unpacked[:128]):
        return None
    is_cut = len(unpacked) >= UNPACKED_BYTES or len(data) > UNPACKED_BYTES
    facts = _walk(unpacked, is_cut=is_cut)
    if is_cut and len(data) * BOMB_RATIO < len(unpacked) and not facts.trouble:
        return msgspec.structs.replace(
            facts, trouble=f"{len(data):,} bytes unpack to more than {UNPACKED_BYTES >> 20} MiB"
        )
    return facts


def _read_archive(file: Path, data: mmap.mmap) -> Facts | None:
    """A torch file, or another archive with pickles inside."""
    if trouble := _directory_trouble(data):
        return Facts(globals=(), trouble=trouble)
    found: list[Facts] = []
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith((".pkl", ".pickle", ".joblib", ".npy")):
                    facts = _read_entry(archive, entry)
                    found += [facts] if facts else []
                    if len(found) == PICKLES_IN_A_ROW:
                        break
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        found.append(Facts(globals=(), trouble=f"cannot be read as an archive: {error}"))
    if not found:
        return None
    return Facts(
        globals=tuple(dict.fromkeys(name for facts in found for name in facts.globals)),
        sklearn_versions=tuple(dict.fromkeys(v for facts in found for v in facts.sklearn_versions)),
        trouble=next((facts.trouble for facts in found if facts.trouble), ""),
    )


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Facts | None:
    if entry.filename.endswith(".npy"):  # numbers of an .npz, or objects
        with archive.open(entry) as packed:
            return _read_numpy(packed.read(ENTRY_BYTES))
    ratio = entry.file_size / max(1, entry.compress_size)
    if ratio > BOMB_RATIO and entry.file_size > 2**20:
        return Facts(
            globals=(),
            trouble=f"{entry.filename} unpacks to {ratio:,.0f} times its size, as only a bomb does",
        )
    with archive.open(entry) as packed:
        content = packed.read(ENTRY_BYTES)
    return _walk(content, is_cut=len(content) == ENTRY_BYTES)


def _directory_trouble(data: mmap.mmap) -> str:
    """Look at the archive's last record before anything believes it."""
    at = data.rfind(_EMPTY_ZIP, max(0, len(data) - 66_000))
    if at < 0 or at + _ZIP_END.size > len(data):
        return "the archive has no end: it was cut off"
    _, _, _, _, entries, directory_bytes, _, _ = _ZIP_END.unpack_from(data, at)
    if directory_bytes == 0xFFFFFFFF or entries == 0xFFFF:
        wide = data.rfind(b"PK\x06\x06", max(0, at - 66_000), at)
        if wide < 0 or wide + 56 > len(data):
            return "the archive's table of contents cannot be read"
        entries, directory_bytes = struct.unpack_from("<QQ", data, wide + 32)
    if entries > MOST_ENTRIES or directory_bytes > LARGEST_DIRECTORY_BYTES:
        return f"the archive holds {entries:,} entries, more than a model has"
    return ""


def _read_numpy(data: bytes | mmap.mmap) -> Facts | None:
    """An array of Python objects is a pickle behind NumPy's header."""
    if len(data) < 12:
        return None
    width = 2 if data[6] == 1 else 4
    start = 8 + width + int.from_bytes(data[8 : 8 + width], "little")
    if start > 2**16 or not _NUMPY_HEADER.search(data[8 + width : start]):
        return None
    return _walk(data, start=start)
