"""Whose fault is a failure: a verdict with its evidence, from a traceback or a log alone."""

from pavedroad.desk.triage.judging import judge, judge_text
from pavedroad.desk.triage.model import LABELS, Evidence, Frame, Raised, Trace, Verdict
from pavedroad.desk.triage.parsing import parse_trace
from pavedroad.desk.triage.signature import signature_of

__all__ = [
    "LABELS",
    "Evidence",
    "Frame",
    "Raised",
    "Trace",
    "Verdict",
    "judge",
    "judge_text",
    "parse_trace",
    "signature_of",
]
