"""What holds on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from queue import SimpleQueue

import pytest

from pavedroad.config import Settings
from pavedroad.errors import Conflict, Exists, Invalid, Unavailable
from pavedroad.kit.sql import Database, Transaction
from pavedroad.kit.stores import open_database

SCHEMA = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE,"
    " number BIGINT, share DOUBLE PRECISION, raw BLOB)",
    "CREATE TABLE marks (note_id BIGINT NOT NULL REFERENCES notes, mark BIGINT NOT NULL CHECK (mark > 0))",
)
INSERT = "INSERT INTO notes (word, number, share, raw) VALUES (:word, :number, :share, :raw)"
WORDS = "SELECT word FROM notes ORDER BY word"


@pytest.fixture
def db(any_settings: Settings) -> Iterator[Database]:
    from pavedroad.kit.sql import postgres_schema

    database = open_database(any_settings.database_url)
    for statement in SCHEMA:
        text = postgres_schema(statement) if database.dialect == "postgresql" else statement
        database.write(lambda tx, text=text: tx.run(text))
    yield database
    database.close()


def add(db: Database, word: str, *, number: int = 1, share: float = 0.5, raw: bytes = b"") -> None:
    db.write(lambda tx: add_in(tx, word, number=number, share=share, raw=raw))


def add_in(tx: Transaction, word: str, *, number: int = 1, share: float = 0.5, raw: bytes = b"") -> None:
    tx.run(INSERT, word=word, number=number, share=share, raw=raw)


def words(db: Database) -> list[str]:
    return [row["word"] for row in db.all(WORDS)]


def test_values_come_back_as_they_went_in(db: Database) -> None:
    add(db, "schön ☂ 'quoted' %s :x", number=2**63 - 1, share=float("inf"), raw=b"\x00\xff")
    row = db.one("SELECT word, number, share, raw FROM notes")
    assert row is not None
    assert dict(row) == {
        "word": "schön ☂ 'quoted' %s :x",
        "number": 2**63 - 1,
        "share": float("inf"),
        "raw": b"\x00\xff",
    }


def test_a_row_that_is_not_there_is_none(db: Database) -> None:
    assert db.one("SELECT word FROM notes") is None
    assert db.value("SELECT word FROM notes") is None


def test_rows_are_counted_by_themselves(db: Database) -> None:
    for word in ("a", "b", "c"):
        add(db, word)
    assert [row["id"] for row in db.all("SELECT id FROM notes ORDER BY id")] == [1, 2, 3]


def test_run_tells_how_many_rows_changed(db: Database) -> None:
    add(db, "a")
    add(db, "b")
    assert db.write(lambda tx: tx.run("UPDATE notes SET number = 7")) == 2
    assert db.write(lambda tx: tx.run("UPDATE notes SET number = 8 WHERE word = :word", word="z")) == 0


def test_sums_and_truths_are_numbers(db: Database) -> None:
    add(db, "a", number=2)
    add(db, "b", number=3)
    row = db.one(
        "SELECT SUM(number) AS total, AVG(number) AS middle, COUNT(*) AS rows,"
        " EXISTS (SELECT 1 FROM notes) AS some FROM notes"
    )
    assert row is not None
    assert dict(row) == {"total": 5, "middle": 2.5, "rows": 2, "some": 1}
    assert {type(row[key]) for key in ("total", "rows", "some")} == {int}


def test_true_is_stored_as_one(db: Database) -> None:
    db.write(lambda tx: tx.run(INSERT, word="a", number=True, share=0.0, raw=b""))
    assert db.value("SELECT number FROM notes WHERE number = :truth", truth=True) == 1


def test_texts_sort_by_bytes_and_like_minds_the_case(db: Database) -> None:
    for word in ("b", "B", "a", "ä", "_", "-"):
        add(db, word)
    assert words(db) == ["-", "B", "_", "a", "b", "ä"]
    assert [row["word"] for row in db.all("SELECT word FROM notes WHERE word LIKE 'b%'")] == ["b"]


def test_a_write_that_raises_leaves_nothing(db: Database) -> None:
    def half(tx: Transaction) -> None:
        add_in(tx, "half")
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        db.write(half)
    assert words(db) == []


def test_even_an_exit_inside_a_write_reaches_the_caller_and_leaves_nothing(db: Database) -> None:
    def half(tx: Transaction) -> None:
        add_in(tx, "half")
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        db.write(half)
    add(db, "whole")
    assert words(db) == ["whole"]


def test_a_key_that_is_taken_exists(db: Database) -> None:
    add(db, "a")
    with pytest.raises(Exists):
        add(db, "a")
    with pytest.raises(Exists):
        db.write(lambda tx: tx.many(INSERT, [{"word": "a", "number": 1, "share": 0.0, "raw": b""}]))
    assert words(db) == ["a"]


def test_a_reference_to_nothing_is_a_conflict(db: Database) -> None:
    with pytest.raises(Conflict, match="not on the record"):
        db.write(lambda tx: tx.run("INSERT INTO marks (note_id, mark) VALUES (99, 1)"))


@pytest.mark.parametrize(
    "statement", ["INSERT INTO marks VALUES (1, 0)", "INSERT INTO marks VALUES (1, NULL)"]
)
def test_a_value_that_a_rule_of_the_table_forbids_is_invalid(db: Database, statement: str) -> None:
    add(db, "a")
    with pytest.raises(Invalid, match="refuses this value"):
        db.write(lambda tx: tx.run(statement))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
def test_a_number_beyond_64_bits_is_invalid(db: Database, number: int) -> None:
    with pytest.raises(Invalid):
        add(db, "a", number=number)
    with pytest.raises(Invalid):
        db.all("SELECT word FROM notes WHERE number = :number", number=number)
    with pytest.raises(Invalid):
        db.write(lambda tx: tx.many(INSERT, [{"word": "a", "number": number, "share": 0.0, "raw": b""}]))


def test_the_largest_and_smallest_numbers_fit(db: Database) -> None:
    add(db, "a", number=2**63 - 1)
    add(db, "b", number=-(2**63))
    assert [row["number"] for row in db.all("SELECT number FROM notes ORDER BY number")] == [
        -(2**63),
        2**63 - 1,
    ]


@pytest.mark.parametrize("word", ["a\0b", "\ud800"])
def test_a_text_that_cannot_be_stored_is_invalid(db: Database, word: str) -> None:
    with pytest.raises(Invalid):
        add(db, word)
    with pytest.raises(Invalid):
        db.all("SELECT word FROM notes WHERE word = :word", word=word)
    with pytest.raises(Invalid):
        db.write(lambda tx: tx.many(INSERT, [{"word": word, "number": 1, "share": 0.0, "raw": b""}]))
    assert words(db) == []


def test_a_mistake_of_ours_is_not_dressed_up_as_the_callers(db: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as caught:
        db.all("SELECT * FROM no_such_table")
    assert not isinstance(caught.value, (Invalid, Unavailable))


def test_what_a_write_changed_is_seen_by_every_thread_at_once(db: Database) -> None:
    with ThreadPoolExecutor(4) as threads:
        for number in range(50):
            add(db, f"{number:03}")
            seen = [threads.submit(words, db).result() for _ in range(2)]
            assert all(len(found) == number + 1 for found in seen)


def test_a_transaction_sees_its_own_changes(db: Database) -> None:
    def work(tx: Transaction) -> list[str]:
        add_in(tx, "a")
        return [row["word"] for row in tx.all(WORDS)]

    assert db.write(work) == ["a"]


@pytest.mark.parametrize("verb", ["read", "write", "submit"])
def test_the_database_refuses_to_be_used_inside_a_write(db: Database, verb: str) -> None:
    def nested(_tx: Transaction) -> None:
        if verb == "read":
            db.all(WORDS)
        elif verb == "write":
            add(db, "inner")
        else:
            db.submit(lambda tx: add_in(tx, "inner"))

    with pytest.raises(RuntimeError, match="inside a write: use the transaction"):
        db.write(nested)
    with pytest.raises(RuntimeError, match="inside a write: use the transaction"):
        db.submit(nested).result()
    add(db, "after")
    assert words(db) == ["after"]


def test_a_cancelled_write_is_left_out_and_the_others_go_on(db: Database) -> None:
    hold, held = threading.Event(), threading.Event()

    def wait_for_me(tx: Transaction) -> None:
        held.set()
        assert hold.wait(10)
        add_in(tx, "first")

    first = db.submit(wait_for_me)
    assert held.wait(10)
    later = {f"later {n}": db.submit(lambda tx, n=n: add_in(tx, f"later {n}")) for n in range(40)}
    cancelled = {word for word, future in later.items() if future.cancel()}
    hold.set()
    wait([first, *later.values()], timeout=10)
    assert set(words(db)) == {"first", *later} - cancelled
    # SQLite's one writer was held up; PostgreSQL's other seven went on meanwhile.
    assert len(cancelled) == 40 or db.dialect == "postgresql"


def test_writes_from_many_threads_are_all_there(db: Database) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda number: add(db, f"{number:03}"), range(200)))
    assert words(db) == [f"{number:03}" for number in range(200)]


def test_read_then_write_never_loses_an_update(db: Database) -> None:
    add(db, "counter", number=0)

    def count_up(tx: Transaction) -> None:
        number = tx.value("SELECT number FROM notes WHERE word = 'counter'")
        tx.run("UPDATE notes SET number = :number WHERE word = 'counter'", number=number + 1)

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(db.write, count_up) for _ in range(40)]:
            done.result()
    assert db.value("SELECT number FROM notes WHERE word = 'counter'") == 40


def test_the_next_free_number_is_taken_once(db: Database) -> None:
    """How versions are numbered: look, then insert. A key taken in between means looking again."""

    def take_next(tx: Transaction) -> int:
        number = int(tx.value("SELECT COUNT(*) FROM notes")) + 1
        add_in(tx, f"v{number}")
        return number

    with ThreadPoolExecutor(6) as threads:
        numbers = [future.result() for future in [threads.submit(db.write, take_next) for _ in range(6)]]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


def test_closing_finishes_what_is_queued_then_refuses_more(any_settings: Settings, db: Database) -> None:
    futures = [db.submit(lambda tx, number=number: add_in(tx, f"{number:03}")) for number in range(100)]
    db.close()
    assert all(future.exception() is None for future in futures)
    with pytest.raises(Unavailable, match="closed"):
        add(db, "late")
    with pytest.raises(Unavailable, match="closed"):
        db.submit(lambda tx: add_in(tx, "late"))
    with pytest.raises(Unavailable, match="closed"):
        words(db)
    again = open_database(any_settings.database_url)
    assert len(words(again)) == 100
    again.close()


def test_closing_twice_is_fine(db: Database) -> None:
    db.close()
    db.close()


def test_a_large_text_is_stored_whole(db: Database) -> None:
    # Not the unique column: PostgreSQL has a limit on what an index takes.
    db.write(lambda tx: tx.run("CREATE TABLE long_texts (body TEXT)"))
    body = "flights " * 500_000
    db.write(lambda tx: tx.run("INSERT INTO long_texts VALUES (:body)", body=body))
    assert db.value("SELECT body FROM long_texts") == body


def test_the_version_changes_with_every_commit_and_not_by_reading(db: Database) -> None:
    before = db.version()
    add(db, "a")
    assert db.version() != before
    assert any(db.version() == db.version() for _ in range(20))  # PostgreSQL writes by itself now and then


def test_a_transaction_tells_no_version(db: Database) -> None:
    assert db.write(lambda tx: tx.version()) == ""


def test_each_changes_one_row_for_each_or_none_at_all(db: Database) -> None:
    add(db, "a")
    add(db, "b")
    count = "UPDATE notes SET number = number + 1 WHERE word = :word"
    assert db.write(lambda tx: tx.each(count, [{"word": "a"}, {"word": "b"}]))
    assert not db.write(lambda tx: tx.each(count, [{"word": "a"}, {"word": "c"}]))
    assert [row["number"] for row in db.all("SELECT number FROM notes ORDER BY word")] == [2, 2]


# ------------------------------------------------------------------------------------------------ together


class Together:
    """A work that keeps the items of its calls, and waits in the first one until it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.began, self.go_on = threading.Event(), threading.Event()

    def __call__(self, tx: Transaction, items: Sequence[str]) -> list[Exception | None]:
        self.calls.append(list(items))
        self.began.set()
        assert self.go_on.wait(30)
        for item in items:
            if item == "broken":
                raise Conflict("all are undone")
            if item != "refused":
                add_in(tx, item)
        return [Invalid("not this one") if item == "refused" else None for item in items]


def send_together(db: Database, first: str, *others: str) -> tuple[Together, dict[str, BaseException | None]]:
    """`others` come while `first` is at work."""
    work: Together = Together()
    told: SimpleQueue[tuple[str, BaseException | None]] = SimpleQueue()
    db.submit_together(work, first, lambda refusal: told.put((first, refusal)))
    assert work.began.wait(30)
    for other in others:
        db.submit_together(work, other, lambda refusal, other=other: told.put((other, refusal)))  # type: ignore[misc]
    work.go_on.set()
    return work, dict(told.get(timeout=30) for _ in (first, *others))


def test_items_that_wait_are_done_in_one_call(db: Database) -> None:
    work, told = send_together(db, "a", "b", "c", "d")
    assert work.calls == [["a"], ["b", "c", "d"]]
    assert told == dict.fromkeys("abcd")
    assert words(db) == ["a", "b", "c", "d"]


def test_an_item_that_is_refused_is_told_why_and_the_others_stay(db: Database) -> None:
    _, told = send_together(db, "a", "b", "refused", "c")
    assert isinstance(told.pop("refused"), Invalid)
    assert told == dict.fromkeys("abc")
    assert words(db) == ["a", "b", "c"]


def test_what_a_work_raises_undoes_all_that_it_was_called_for(db: Database) -> None:
    _, told = send_together(db, "a", "b", "broken", "c")
    assert told.pop("a") is None
    assert {type(refusal) for refusal in told.values()} == {Conflict}
    assert words(db) == ["a"]


def test_a_callback_that_raises_does_not_keep_the_others_from_hearing(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    told: SimpleQueue[BaseException | None] = SimpleQueue()
    work = Together()
    work.go_on.set()

    def fail(refusal: BaseException | None) -> None:
        raise OSError("the caller went away")

    db.submit_together(work, "a", fail)
    db.submit_together(work, "b", told.put)
    assert told.get(timeout=30) is None
    assert words(db) == ["a", "b"]
    assert "a callback of a database write raised" in caplog.text


def test_a_closed_database_takes_no_items(any_settings: Settings) -> None:
    database = open_database(any_settings.database_url)
    database.close()
    with pytest.raises(Unavailable):
        database.submit_together(Together(), "a", lambda refusal: None)
