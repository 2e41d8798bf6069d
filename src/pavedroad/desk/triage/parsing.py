"""Reading tracebacks as they are found: plain, chained, of notebooks, in rich boxes, behind the prefixes of
logs and workers, as JSON lines, and cut off at either end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pavedroad.desk.triage.model import Frame, Raised, Trace
from pavedroad.desk.triage.owners import frame_of

LARGEST = 4_000_000  # characters; more of a log than its end tells nothing new
MOST_FRAMES = 2_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PREFIXES = (
    re.compile(r"^\s*\((?:[\w.<>\[\]]+\s)*\s?pid=\d+(?:, ip=[\d.]+)?\)\s?"),  # ray
    re.compile(r"^\[(?:default\d+|rank ?\d+)\]:(?:\[rank\d+\]:)?\s?"),  # torchrun
    re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z? std(?:err|out) [FP] "),  # kubernetes
    re.compile(
        r"^\[?\d{4}-\d\d-\d\d[T ,]+\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:UTC|Z|[+-]\d\d:?\d\d))?\]?[ ,:]?"
    ),
    re.compile(r"^\[\d+/[\w-]+/\d+ \(pid \d+\)\] "),  # metaflow
    re.compile(r"^\{[\w.-]+:\d+\} "),  # airflow
    re.compile(r"^(?:\|\s*)?[|\s-]*\b(?:CRITICAL|ERROR|WARNING|WARN|INFO|DEBUG)\b(?:\s*[|:-]+\s?|\s|$)"),
    re.compile(r"^[\w.-]+(?:_|-)\d+\s+\| "),  # compose
)
_BEGIN = re.compile(r"Traceback \(most recent call last\)")
_NOTEBOOK_BEGIN = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)\s{2,}Traceback \(most recent call last\)")
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line \d+(?:, in (?P<function>.+))?')
_FRAME_IPYTHON = re.compile(r"^File (?P<path>\S.*?):\d+, in (?P<function>[\w.<>]+)")
_FRAME_OLD_IPYTHON = re.compile(
    r"^(?P<path>(?:<ipython-input|/|~|[A-Za-z]:\\)\S*) in (?P<function>[\w.<>]+)\(?"
)
_FRAME_CELL = re.compile(r"^(?:Input In|Cell In) ?\[\d+\](?:, line \d+|, in )?")
_FRAME_RICH = re.compile(r"^(?P<path>[\w./<~][^:]*):\d+ in (?P<function>[\w.<>]+)\s*$")
_RAISED = re.compile(r"^(?P<type>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: ?(?P<message>.*))?$")
_ENDS_LIKE_ONE = re.compile(
    r"(?:Error|Exception|Warning|Exit|Interrupt|Iteration|Failure|Fault|Timeout|Expired|Refused|Denied|"
    r"Conflict|Invalid|NotFound|Unavailable|Exceeded|Killed|Lost|Died|Aborted|Errors|Disconnected)$"
)
_CAUSES = ("The above exception was the direct cause", "During handling of the above exception")
_JAVA = re.compile(r"^(?:Caused by: |: )(?P<type>(?:[a-z_]\w*\.)+[A-Z]\w*)(?:: ?(?P<message>.*))?$")
_RULE = re.compile(r"^[-=_─━]{10,}$")


def parse_trace(text: str) -> Trace:
    """Every exception of a text, the first cause first. A text without any is kept as its log."""
    text = _ANSI.sub("", text[-LARGEST:]).replace("\r\n", "\n").replace("\r", "\n")
    lines, from_json = _unfold(text.split("\n"))
    raised = [*from_json, *_Reading(lines).raised()]
    return Trace(raised=tuple(_last_failure(raised)), log=text)


def _last_failure(raised: list[tuple[Raised, bool]]) -> list[Raised]:
    """A log may tell of several; the last one, with what caused it, is what is asked about."""
    chain: list[Raised] = []
    for one, follows in raised:
        chain = [*chain, one] if follows else [one]
    return chain


# ------------------------------------------------------------------------------------------------ lines


def _unfold(lines: list[str]) -> tuple[list[str], list[tuple[Raised, bool]]]:
    """Lines without what loggers and workers put before them; exceptions that came as JSON."""
    plain: list[str] = []
    told: list[tuple[Raised, bool]] = []
    prefix: re.Pattern[str] | None = None
    for line in lines:
        if line.lstrip().startswith("{") and (found := _of_json(line)):
            told += found
            continue
        line = _unboxed(line)
        if prefix is not None and (match := prefix.match(line)):
            line = line[match.end() :]
        else:
            line = _without_known_prefix(line)
        begin = _BEGIN.search(line)
        if begin and begin.start() and not _NOTEBOOK_BEGIN.match(line) and line[: begin.start()].strip():
            prefix = _shape_of(line[: begin.start()])
            line = line[begin.start() :]
        plain.append(line)
    return plain, told


def _unboxed(line: str) -> str:
    if line.startswith(("│", "┃", "|")) and line.rstrip().endswith(("│", "┃", "|")):
        return line.strip()[1:-1].strip()
    if line.startswith(("╭", "╰", "┏", "┗")):
        return "Traceback (most recent call last):" if "Traceback" in line else ""
    return line


def _without_known_prefix(line: str) -> str:
    for _ in range(4):  # a worker's before a logger's before a time
        for pattern in _PREFIXES:
            match = pattern.match(line)
            if match and match.end():
                line = line[match.end() :]
                break
        else:
            return line
    return line


def _shape_of(prefix: str) -> re.Pattern[str]:
    """The same prefix with other numbers."""
    return re.compile(re.sub(r"\d+", r"\\d+", re.escape(prefix).replace(r"\ ", " ")))


def _of_json(line: str) -> list[tuple[Raised, bool]]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return []
    if not isinstance(entry, dict):
        return []
    details = entry.get("error_detail") or entry.get("exception") or []
    if isinstance(details, str):
        return [*_Reading(details.split("\n")).raised()]
    found: list[tuple[Raised, bool]] = []
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and isinstance(detail.get("exc_type"), str):
            frames = [
                frame_of(str(frame.get("filename", "")), str(frame.get("name", "")))
                for frame in detail.get("frames") or []
                if isinstance(frame, dict)
            ]
            message = str(detail.get("exc_value", ""))
            found.append(
                (Raised(type=detail["exc_type"], message=message, frames=tuple(frames)), bool(found))
            )
    return found


# ------------------------------------------------------------------------------------------- exceptions


class _Reading:
    """Goes through the lines once, gathering frames until an exception closes them."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._frames: list[Frame] = []
        self._announced = ""  # the type at the head of a notebook's traceback
        self._is_inside = False
        self._follows = False
        self._found: list[tuple[Raised, bool]] = []

    def raised(self) -> Iterator[tuple[Raised, bool]]:
        at = 0
        while at < len(self._lines):
            at = self._step(at)
        if self._frames:  # cut off before its last line
            self._close(self._announced, "")
        if not self._found and (loose := self._loose()):
            self._found.append((loose, False))
        return iter(self._found)

    def _step(self, at: int) -> int:
        line = self._lines[at]
        if line.startswith(_CAUSES) or line.strip().startswith(_CAUSES):
            self._follows = bool(self._found)
        elif head := _NOTEBOOK_BEGIN.match(line):
            self._begin(head["type"])
        elif _BEGIN.search(line):
            self._begin("")
        elif frame := _read_frame(line):
            self._frames.append(frame)
            del self._frames[:-MOST_FRAMES]
        elif java := _JAVA.match(line.strip()):
            if self._found and line.strip().startswith("Caused by"):
                self._found_below(Raised(type=java["type"], message=java["message"] or ""))
        elif (self._is_inside or self._frames) and (one := self._closing(line)):
            end = self._end_of_message(at + 1)
            message = "\n".join([one["message"] or "", *self._lines[at + 1 : end]]).strip()
            self._close(one["type"], message)
            return end
        return at + 1

    def _found_below(self, cause: Raised) -> None:
        """Java names the deeper causes last."""
        last, follows = self._found.pop()
        self._found += [(cause, follows), (last, True)]

    def _begin(self, announced: str) -> None:
        if self._frames:
            self._close(self._announced, "")
        self._announced, self._is_inside = announced, True

    def _closing(self, line: str) -> re.Match[str] | None:
        one = _RAISED.match(line.strip() if not line.startswith("  ") else "")
        if one is None or (":" not in line and not self._is_type(one["type"])):
            return None
        if self._announced:
            return one if one["type"].rpartition(".")[2] == self._announced.rpartition(".")[2] else None
        return one if self._is_type(one["type"]) or self._frames else None

    def _is_type(self, name: str) -> bool:
        last = name.rpartition(".")[2]
        return last[:1].isupper() and (bool(_ENDS_LIKE_ONE.search(last)) or "." in name)

    def _end_of_message(self, at: int) -> int:
        """Lines that belong to the message: until a gap, another traceback or 40 lines."""
        end = at
        while end < min(len(self._lines), at + 40):
            line = self._lines[end]
            stops = not line.strip() or _BEGIN.search(line) or _read_frame(line) or _RULE.match(line.strip())
            if stops or line.startswith(_CAUSES) or _JAVA.match(line.strip()):
                break
            if (one := _RAISED.match(line)) and one["message"] is not None and self._is_type(one["type"]):
                break
            end += 1
        return end

    def _close(self, kind: str, message: str) -> None:
        self._found.append(
            (Raised(type=kind, message=message[:20_000], frames=tuple(self._frames)), self._follows)
        )
        self._frames, self._announced, self._is_inside, self._follows = [], "", False, False

    def _loose(self) -> Raised | None:
        """The last line that reads like an exception where there is no traceback at all."""
        for line in reversed(self._lines):
            one = _RAISED.match(line.strip())
            if one and self._is_type(one["type"]) and one["message"]:
                return Raised(type=one["type"], message=one["message"])
        return None


def _read_frame(line: str) -> Frame | None:
    for pattern in (_FRAME, _FRAME_IPYTHON, _FRAME_OLD_IPYTHON, _FRAME_RICH):
        if match := pattern.match(line):
            return frame_of(match["path"], (match["function"] or "").strip())
    if _FRAME_CELL.match(line):
        return frame_of("<cell>", "<module>")
    return None
