"""What the flights must look like before anybody learns from them."""

from __future__ import annotations

import pavedroad as paved
import pyarrow as pa
import pyarrow.compute as pc

# column: (type, may be empty, smallest, largest)
FLIGHTS = {
    "time_hour": (pa.timestamp("s", tz="UTC"), False, None, None),
    "minute": (pa.int64(), False, 0, 59),
    "dep_delay": (pa.int64(), True, -120, 2000),
    "arr_delay": (pa.int64(), True, -180, 2000),
    "carrier": (pa.string(), False, None, None),
    "origin": (pa.string(), False, None, None),
    "dest": (pa.string(), False, None, None),
    "distance": (pa.int64(), False, 10, 6000),
}


class ContractBroken(ValueError):
    """The data are not what the pipeline was built for."""


@paved.step
def keep_contract(flights: pa.Table) -> pa.Table:
    """Pass the flights on unchanged, or refuse them with every difference named."""
    if broken := [says for name in FLIGHTS for says in differences(flights, name)]:
        raise ContractBroken("; ".join(broken))
    return flights


def differences(table: pa.Table, name: str) -> list[str]:
    kind, may_be_empty, smallest, largest = FLIGHTS[name]
    if name not in table.column_names:
        return [f"{name} is missing"]
    column = table[name]
    says = []
    if column.type != kind:
        says.append(f"{name} is {column.type}, not {kind}")
    if column.null_count and not may_be_empty:
        says.append(f"{name} has {column.null_count:,} empty values")
    if smallest is not None and not says:
        seen = pc.min_max(column).as_py()
        if seen["min"] < smallest or seen["max"] > largest:
            says.append(f"{name} goes from {seen['min']} to {seen['max']}, not {smallest} to {largest}")
    return says
