"""A signal that comes at a bad moment is kept for a good one."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from pavedroad.pipelines.interrupts import Interrupts


@pytest.fixture(autouse=True)
def handlers_stay():
    before = {number: signal.getsignal(number) for number in Interrupts.SIGNALS}
    yield
    assert {number: signal.getsignal(number) for number in Interrupts.SIGNALS} == before


def test_a_signal_is_raised_at_the_next_wait_and_not_before():
    reached = []

    def work() -> None:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the work")
            with interrupts.allowed():
                reached.append("the wait")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached == ["the end of the work"]


def test_a_signal_ends_a_wait():
    started = time.monotonic()
    threading.Timer(0.2, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts, interrupts.allowed():
        threading.Event().wait(20)
    assert time.monotonic() - started < 10


def test_a_signal_after_the_last_wait_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(signal.SIGINT)


def test_the_second_signal_acts_at_once():
    def work() -> None:
        with Interrupts():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("it was kept too")

    with pytest.raises(KeyboardInterrupt):
        work()


def test_a_handler_of_the_programs_own_is_called():
    class Stop(Exception):
        pass

    def stop(number, frame):
        raise Stop(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Stop), Interrupts():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_another_thread_nothing_changes():
    seen = []

    def look():
        with Interrupts() as interrupts, interrupts.allowed():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_ctrl_c_amid_the_handing_over_of_writes_loses_none(project, monkeypatch):
    """The main thread is between taking the waiting writes and sending them."""
    from pavedroad.pipelines import steps_of_run
    from pavedroad.pipelines.writes import OrderedWrites

    project.write(
        "flow.py",
        """
import time

@paved.step
def first() -> int:
    return 1

@paved.step
def slow(x: int) -> int:
    time.sleep(0.5)
    return x

@paved.pipeline
def main():
    return slow(first())
""",
    )
    start = OrderedWrites._start
    signals = []

    def start_late(writes):
        writes._sent, sent = writes._waiting, writes._waiting
        writes._waiting = []
        if not signals and len(sent) > 0 and threading.current_thread() is threading.main_thread():
            signals.append(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        writes._waiting = sent
        start(writes)

    monkeypatch.setattr(OrderedWrites, "_start", start_late)
    done = project.run()
    assert (done.status, signals) == ("KILLED", [signal.SIGINT])
    assert {step.step for step in steps_of_run(project.record.db, done.id)} >= {"first"}
