from __future__ import annotations

from pavedroad.advisories.matching import EXPOSED, LOCKED_SAFE, NOT_AFFECTED, NOT_FOUND, Case
from pavedroad.advisories.reading import read_advisory
from pavedroad.advisories.registering import Held, Registration, SymbolUse
from pavedroad.advisories.store import Affected, cases_of, known_advisories, publish, register
from pavedroad.catalog import read_facts
from pavedroad.record import Record

TEXT = """id = "ACME-1"
package = "acme"
title = "acme.old is gone"
effect = "breaks"
broken = ">=2.0"
guidance = "Call acme.new."
source = "https://example.org"
[[match]]
kind = "attribute"
symbols = ["acme.old"]
[[match]]
kind = "keyword"
callable = ["acme.load"]
names = ["mode"]
"""
ADVISORY = read_advisory("a.toml", TEXT)


def project(
    name: str, version: str, *symbols: str, owner: str = "", cases: tuple[Case, ...] = ()
) -> Registration:
    held = (Held(package="acme", version=version, decided_by="lock", path="uv.lock"),) if version else ()
    return Registration(
        project=name,
        owner=owner,
        commit="",
        packages=held,
        symbols=tuple(SymbolUse(symbol=each, path="a.py", line=3, number=1) for each in symbols),
        cases=cases,
    )


def keep(record: Record, *registrations: Registration, at_ms: int = 1000) -> None:
    for one in registrations:
        record.db.write(lambda tx, one=one: register(tx, one, who="ada", at_ms=at_ms))


def told(record: Record, at_ms: int = 2000) -> list[Affected]:
    return record.db.write(lambda tx: publish(tx, ADVISORY, TEXT, who="ada", at_ms=at_ms))


def test_publishing_puts_every_registered_project_into_its_state(any_record: Record) -> None:
    keep(
        any_record,
        project("uses-new", "2.1.0", "acme.old"),
        project("uses-keyword", "2.1.0", "acme.load(mode=)", "acme.load"),
        project("uses-old", "1.9.0", "acme.old"),
        project("has-it", "2.0.0", "acme.other", "acme.older"),
        project("undeclared", "", "acme.old"),
        project("has-old", "1.0.0", "acme.other"),
        project("has-none", ""),
    )
    assert {one.project: one.state for one in told(any_record)} == {
        "uses-new": EXPOSED,
        "uses-keyword": EXPOSED,
        "undeclared": EXPOSED,
        "uses-old": LOCKED_SAFE,
        "has-it": NOT_FOUND,
    }


def test_the_owner_of_an_exposed_project_is_told_once_on_the_journal(record: Record) -> None:
    keep(record, project("a", "2.1.0", "acme.old", owner="grace"), project("b", "1.0", "acme.old"))
    told(record)
    told(record)
    facts = read_facts(record.db, verb="warned")
    assert [(fact.artifact, fact.payload["owner"], fact.payload["advisory"]) for fact in facts] == [
        ("project/a", "grace", "ACME-1")
    ]


def test_a_project_that_moves_is_exposed_no_more_and_the_day_is_kept(any_record: Record) -> None:
    keep(any_record, project("a", "2.1.0", "acme.old"))
    told(any_record)
    moved = Case(
        id="ACME-1",
        package="acme",
        title="",
        state=NOT_AFFECTED,
        effect="breaks",
        decided="",
        by="",
        versions="",
        guidance="",
        source="",
    )
    keep(any_record, project("a", "2.1.0", "acme.new", cases=(moved,)), at_ms=5000)
    found = cases_of(any_record.db, "ACME-1")
    assert [(one.state, one.since_ms, one.cleared_ms) for one in found] == [(NOT_AFFECTED, 2000, 5000)]


def test_since_when_stays_while_a_project_stays_exposed(record: Record) -> None:
    keep(record, project("a", "2.1.0", "acme.old"))
    told(record, at_ms=2000)
    told(record, at_ms=9000)
    assert cases_of(record.db, "ACME-1")[0].since_ms == 2000


def test_registering_again_forgets_what_was_there(record: Record) -> None:
    keep(record, project("a", "2.1.0", "acme.old"))
    keep(record, project("a", "1.0.0"))
    assert told(record) == []


def test_a_published_advisory_takes_the_place_of_a_shipped_one_with_its_id(record: Record) -> None:
    text = TEXT.replace("ACME-1", "BC-NPY-001")
    record.db.write(lambda tx: publish(tx, read_advisory("a", text), text, who="ada"))
    assert known_advisories(record.db)["BC-NPY-001"].advisory.package == "acme"


def test_500_projects_are_matched_as_one_by_one(record: Record) -> None:
    """The same answer as looking at each project by itself, whatever the mix."""
    versions, symbols = (
        ("1.5", "2.0", "2.7", ""),
        ("acme.old", "acme.oldest", "acme.load(mode=)", "other.old"),
    )
    expected = {}
    registrations = []
    for number in range(500):
        version, symbol = versions[number % 4], symbols[number // 4 % 4]
        uses = symbol in ("acme.old", "acme.load(mode=)")
        in_range = version in ("2.0", "2.7")
        if uses:
            expected[f"p{number}"] = LOCKED_SAFE if version == "1.5" else EXPOSED
        elif in_range:
            expected[f"p{number}"] = NOT_FOUND
        registrations.append(project(f"p{number}", version, symbol))

    def all_of_them(tx: object) -> None:
        for one in registrations:
            register(tx, one, who="ada")  # type: ignore[arg-type]

    record.db.write(all_of_them)
    assert {one.project: one.state for one in told(record)} == expected
