"""Tracebacks are read in the forms that tools write them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pavedroad.desk.triage import judge_text, parse_trace


def test_frames_know_whose_they_are():
    trace = parse_trace(
        "Traceback (most recent call last):\n"
        '  File "/home/ada/job/train.py", line 3, in <module>\n'
        '  File "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/linear.py", line 9, in forward\n'
        '  File "/usr/lib/python3.11/threading.py", line 9, in wait\n'
        '  File "/opt/venv/lib/python3.11/site-packages/airflow/models/dag.py", line 9, in run\n'
        "ValueError: no\n"
    )
    owners = [(frame.owner, frame.package) for frame in trace.cause.frames]
    assert owners == [("job", ""), ("library", "torch"), ("python", ""), ("platform", "airflow")]


def test_an_old_notebook():
    trace = parse_trace(
        "---------------------------------------------------------------------------\n"
        "KeyError                                  Traceback (most recent call last)\n"
        "<ipython-input-3-5a2b> in <module>\n----> 1 frame['x']\n\n"
        "~/env/lib/python3.8/site-packages/pandas/core/frame.py in __getitem__(self, key)\n"
        "   2900             indexer = self.columns.get_loc(key)\n\n"
        "KeyError: 'x'\n"
    )
    assert (trace.cause.type, trace.cause.message) == ("KeyError", "'x'")
    assert [frame.owner for frame in trace.cause.frames] == ["job", "library"]


def test_a_new_notebook():
    trace = parse_trace(
        "KeyError                                  Traceback (most recent call last)\n"
        "Cell In[3], line 1\n----> 1 frame['x']\n\n"
        "File ~/env/lib/python3.11/site-packages/pandas/core/frame.py:3, in DataFrame.__getitem__(self)\n"
        "   3803 return self._getitem_multilevel(key)\n\nKeyError: 'x'\n"
    )
    assert [(frame.owner, frame.function) for frame in trace.cause.frames] == [
        ("job", "<module>"),
        ("library", "DataFrame.__getitem__"),
    ]


def test_lines_of_json():
    trace = parse_trace(
        '{"timestamp": "2026-11-24T10:00:00Z", "level": "error", "event": "Task failed", "error_detail":'
        ' [{"exc_type": "ValueError", "exc_value": "no", "frames": [{"filename": "/opt/dags/a.py",'
        ' "lineno": 3, "name": "load"}]}]}\n'
    )
    assert (trace.cause.type, trace.cause.message) == ("ValueError", "no")
    assert trace.cause.frames[0].function == "load"


def test_a_tail_of_java():
    trace = parse_trace(
        "Traceback (most recent call last):\n"
        '  File "job.py", line 3, in <module>\n'
        "py4j.protocol.Py4JJavaError: An error occurred while calling o58.count.\n"
        ": org.apache.spark.SparkException: Job aborted due to stage failure\n"
        "\tat org.apache.spark.scheduler.DAGScheduler.failJob(DAGScheduler.scala:2)\n"
        "Caused by: java.lang.OutOfMemoryError: Java heap space\n"
        "\t... 12 more\n"
    )
    assert [one.name for one in trace.raised] == ["OutOfMemoryError", "Py4JJavaError"]
    assert judge_text(trace.log).label == "infrastructure"


def test_a_message_of_several_lines_stays_whole():
    trace = parse_trace(
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'
        "ValueError: columns differ:\n  expected a, b\n  found a\n\nINFO bye\n"
    )
    assert trace.cause.message == "columns differ:\n  expected a, b\n  found a"


def test_without_its_head_and_without_its_end():
    head_gone = parse_trace('    x()\n  File "a.py", line 1, in f\n    y()\nValueError: no\n')
    assert (head_gone.cause.type, len(head_gone.cause.frames)) == ("ValueError", 1)
    end_gone = parse_trace('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    y()\n')
    assert (end_gone.cause.type, len(end_gone.cause.frames)) == ("", 1)


def test_of_several_failures_the_last_is_asked_about():
    one = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: {}\n'
    assert (
        parse_trace(one.format("first") + "INFO tries again\n" + one.format("second")).cause.message
        == "second"
    )


def test_colours_are_no_part_of_it():
    trace = parse_trace(
        "\x1b[31mTraceback (most recent call last):\x1b[0m\n"
        '  File \x1b[35m"a.py"\x1b[0m, line \x1b[35m1\x1b[0m, in f\n'
        "\x1b[1;35mValueError\x1b[0m: \x1b[35mno\x1b[0m\n"
    )
    assert (trace.cause.type, trace.cause.message) == ("ValueError", "no")


@given(st.text(max_size=400))
def test_any_text_is_read(text: str):
    judge_text(text)
    judge_text("Traceback (most recent call last):\n" + text)
