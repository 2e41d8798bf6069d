"""NumPy arrays as npy files, read back by mapping them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from pavedroad.pipelines.values.model import NotStorable, library_of

# Below this a copy costs less than opening and mapping a file.
SMALL_BYTES = 1 << 20


def is_array(value: Any) -> bool:
    """An ndarray itself, or one that is mapped already; a subclass carries more than its numbers."""
    return library_of(value) == "numpy" and type(value).__name__ in ("ndarray", "memmap")


def is_own(value: Any) -> bool:
    """Whether it can be written to and maps no file, nor looks at an array that does."""
    while value is not None:
        if type(value).__name__ != "ndarray" or not value.flags.writeable:
            return False
        value = value.base
    return True


def describe_array(value: Any) -> str:
    return f"array {' × '.join(f'{size:,}' for size in value.shape) or 'of one'} {value.dtype}"


def write_array(value: Any, target: Any) -> None:
    """Raises NotStorable for arrays of objects."""
    import numpy as np  # the user's own: the value is one of its arrays

    if value.dtype.hasobject:
        raise NotStorable("an array of objects has no npy form")
    if not (value.flags.c_contiguous or value.flags.f_contiguous):
        value = np.ascontiguousarray(value)
    header = np.lib.format.header_data_from_array_1_0(value)
    np.lib.format.write_array_header_2_0(target, header)
    flat = value.reshape(-1, order="A") if value.flags.c_contiguous else value.reshape(-1, order="F")
    if value.nbytes:
        target.write(memoryview(flat.view(np.uint8)))  # one write, no copy


def map_array(path: Path) -> Any:
    """The array in a file, as memory that can be written without changing the file."""
    import numpy as np

    mapped = np.load(path, mmap_mode="c")
    return np.asarray(mapped)


def read_array(source: BinaryIO) -> Any:
    import numpy as np

    return np.load(source)
