"""Arrays and tables by content, when their libraries are loaded already: none is imported for this."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import blake3

MOST_BYTES = 256 * 2**20


class TooLarge(Exception):
    """More than is worth describing."""


def array_text(value: object) -> str | None:
    """The content of a NumPy, pandas, Arrow or Polars value; None for anything else."""
    library = type(value).__module__.partition(".")[0]
    describe = _ARRAYS.get(library)
    if describe is None or library not in sys.modules:
        return None
    try:
        return describe(value, sys.modules[library])
    except TooLarge:
        raise
    except Exception:  # foreign code; whatever it raises only means that the value cannot be described
        return None


def _numpy(value: Any, numpy: Any) -> str | None:
    if isinstance(value, numpy.generic):
        return f"{value.dtype.str}:{value.tobytes().hex()}" if value.dtype != object else None
    if isinstance(value, numpy.dtype):
        return repr(value)
    if isinstance(value, numpy.ma.MaskedArray):
        return f"{_numpy(value.filled(), numpy)}:{_numpy(numpy.ma.getmaskarray(value), numpy)}"
    if not isinstance(value, numpy.ndarray) or value.dtype.hasobject:
        return None
    if value.nbytes > MOST_BYTES:
        raise TooLarge
    content = numpy.ascontiguousarray(value).view(numpy.uint8).reshape(-1) if value.nbytes else b""
    return f"{value.dtype.descr}:{value.shape}:{blake3.blake3(content).hexdigest()}"


def _pandas(value: Any, pandas: Any) -> str | None:
    if isinstance(value, pandas.DataFrame | pandas.Series | pandas.Index):
        frame = value if isinstance(value, pandas.DataFrame) else value.to_frame()
        if frame.memory_usage(index=True).sum() > MOST_BYTES:
            raise TooLarge
        rows = pandas.util.hash_pandas_object(frame).to_numpy()
        kinds = [str(kind) for kind in frame.dtypes]
        return f"{list(frame.columns)!r}:{kinds}:{blake3.blake3(rows.tobytes()).hexdigest()}"
    if isinstance(value, pandas.Timestamp | pandas.Timedelta | pandas.Period | pandas.Interval):
        return repr(value)
    return None


def _pyarrow(value: Any, pyarrow: Any) -> str | None:
    if isinstance(value, pyarrow.Schema | pyarrow.DataType | pyarrow.Field):
        return str(value)
    if isinstance(value, pyarrow.Array | pyarrow.ChunkedArray):
        value = pyarrow.table({"": value})
    if isinstance(value, pyarrow.RecordBatch):
        value = pyarrow.Table.from_batches([value])
    if not isinstance(value, pyarrow.Table):
        return None
    if value.nbytes > MOST_BYTES:
        raise TooLarge
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, value.schema) as writer:
        writer.write_table(value.combine_chunks())
    return blake3.blake3(sink.getvalue()).hexdigest()


def _polars(value: Any, polars: Any) -> str | None:
    if isinstance(value, polars.Series):
        value = value.to_frame()
    if not isinstance(value, polars.DataFrame):
        return None
    if value.estimated_size() > MOST_BYTES:
        raise TooLarge
    return blake3.blake3(value.rechunk().write_ipc_stream(None).getvalue()).hexdigest()


_ARRAYS: dict[str, Callable[[Any, Any], str | None]] = {
    "numpy": _numpy,
    "pandas": _pandas,
    "pyarrow": _pyarrow,
    "polars": _polars,
}
