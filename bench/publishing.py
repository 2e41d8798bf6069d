"""How long publishing an advisory takes with 500 registered projects of 200 locked packages each.

    python bench/publishing.py [SQLite or PostgreSQL URL]

Prints the median of five advisories, and beside it the size of what is looked through.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pavedroad.advisories.reading import read_advisory, shipped_advisories
from pavedroad.advisories.registering import Held, Registration, SymbolUse
from pavedroad.advisories.store import publish, register
from pavedroad.config import Settings
from pavedroad.record import record_of

PROJECTS, PACKAGES, SYMBOLS = 500, 200, 400
TEXT = """
id = "BC-DEMO-{number}"
package = "{package}"
title = "gone_{number} is gone"
effect = "breaks"
broken = ">=2.0"
guidance = "Use another."
source = "https://example.org"
[[match]]
kind = "attribute"
symbols = ["{package}.gone_{number}"]
"""


def registration(number: int, chance: random.Random) -> Registration:
    names = [f"package-{at}" for at in range(PACKAGES)]
    versions = [f"{chance.randrange(1, 4)}.{chance.randrange(9)}.{chance.randrange(9)}" for _ in names]
    symbols = {f"package_{chance.randrange(PACKAGES)}.name_{chance.randrange(50)}" for _ in range(SYMBOLS)}
    symbols |= {f"package-{at}.gone_{at}" for at in range(5) if chance.random() < 0.3}
    return Registration(
        project=f"project-{number}",
        owner=f"owner-{number % 40}",
        commit="",
        packages=tuple(
            Held(package=name, version=version, decided_by="lock", path="uv.lock")
            for name, version in zip(names, versions, strict=True)
        ),
        symbols=tuple(SymbolUse(symbol=name, path="a.py", line=1, number=1) for name in sorted(symbols)),
        cases=(),
    )


def main(database: str) -> None:
    chance = random.Random(7)
    assert shipped_advisories()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database=database, user="bench")
        with record_of(settings) as record:
            for number in range(PROJECTS):
                one = registration(number, chance)
                record.db.write(lambda tx, one=one: register(tx, one, who="bench"))
            took = []
            for number in range(5):
                text = TEXT.format(number=number, package=f"package-{number}")
                advisory = read_advisory("demo", text)
                started = time.perf_counter()
                found = record.db.write(lambda tx, a=advisory, t=text: publish(tx, a, t, who="bench"))
                took.append(time.perf_counter() - started)
                print(f"{advisory.id}: {sum(one.is_open for one in found)} exposed of {len(found)} in range")
    print(f"{PROJECTS} projects, {PACKAGES} packages each, {SYMBOLS} names each")
    print(f"median {statistics.median(took):.3f} s, slowest {max(took):.3f} s")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
