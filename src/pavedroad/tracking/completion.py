"""What may stand at the caret of a filter: kinds and keys that are on the record, operators, values, words.

Reads the filter only as far as the caret, as a row of words, so that an unfinished one is no obstacle.
"""
# ruff: noqa: S608

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from pavedroad.kit.sql import Reader, load_queries
from pavedroad.tracking.columns import LAST, LEAST, METRIC_KINDS, MOST, PARAM, TAG, Column
from pavedroad.tracking.filters import RUNS
from pavedroad.tracking.model import LOST, RUN_STATUSES
from pavedroad.tracking.runs_chooser import keys_on_record

SQL = load_queries("pavedroad.tracking", "page_queries.sql")
OFFERED = 16
VALUES_READ = 1000  # of one key, or of one attribute of the newest runs
LONGEST_VALUE = 80
NUMERIC = (">", ">=", "<", "<=", "=", "!=")
TEXTUAL = ("=", "!=", "LIKE", "ILIKE")
OF_TEXT_ATTRIBUTES = (*TEXTUAL, "IN", "NOT IN")
OF_KEYS = (*TEXTUAL, "IS NULL", "IS NOT NULL")
SAYS = {
    LAST: "last value", LEAST: "smallest value", MOST: "largest value", PARAM: "parameter", TAG: "tag",
    "dataset": "data that went in",
    "=": "equal", "!=": "another", ">": "more", ">=": "at least", "<": "less", "<=": "at most",
    "LIKE": "% stands for anything", "ILIKE": "as LIKE, any case", "IN": "one of a list",
    "NOT IN": "none of a list",
    "IS NULL": "absent", "IS NOT NULL": "there", "AND": "both", "OR": "one of them", "NOT": "the contrary",
}  # fmt: skip
_KINDS = {
    **dict.fromkeys(("metric", "metrics", "last"), LAST),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), PARAM),
    **dict.fromkeys(("tag", "tags"), TAG),
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attribute"),
    "min": LEAST,
    "max": MOST,
    "dataset": "dataset",
    "datasets": "dataset",
}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)) |
        (?P<field>[A-Za-z_]\w*\.(?:`[^`]*(?:`|$)|"[^"]*(?:"|$)|[\w.]*)|`[^`]*(?:`|$)) |
        (?P<word>[\w.+-]+) |
        (?P<symbol>[<>=!]+) |
        (?P<mark>[(),]) |
        (?P<other>\S)
    )""",
    re.VERBOSE,
)
OPERATOR_WORDS = ("LIKE", "ILIKE", "NOT", "IN", "IS", "NULL")


class Offer(msgspec.Struct, frozen=True):
    text: str
    says: str


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """`text[start:end]` of the filter may be replaced by one of the words."""

    start: int
    end: int
    words: list[Offer]


class _Token(msgspec.Struct, frozen=True):
    sort: str  # text, field, word, symbol, mark or other
    text: str
    start: int


def complete(reader: Reader, text: str, at: int | None = None) -> Completion:
    """At most `OFFERED` words for the caret at `at` (the end, unless said)."""
    at = len(text) if at is None else max(0, min(at, len(text)))
    tokens = _tokens(text[:at])
    begun = tokens[-1] if tokens and not text[:at][-1:].isspace() and tokens[-1].sort != "mark" else None
    before = tokens[:-1] if begun else tokens
    words = _offers(reader, before, begun.text if begun else "")
    start = begun.start if begun else at
    return Completion(start=start, end=at, words=words[:OFFERED])


def _tokens(text: str) -> list[_Token]:
    return [
        _Token(str(found.lastgroup), found[str(found.lastgroup)], found.start(str(found.lastgroup)))
        for found in _TOKEN.finditer(text)
    ]


def _offers(reader: Reader, before: Sequence[_Token], begun: str) -> list[Offer]:
    """By what the last words leave open: a field, its operator, its value, or how it goes on."""
    field, rest = _last_field(before)
    if field is None:
        return _fields(reader, begun)
    if not rest:
        return [each for each in _operators(field) if each.text.startswith(begun.upper())]
    operator = _operator(rest)
    if operator in ("IS NULL", "IS NOT NULL") or _has_value(rest, operator):
        return [each for each in _said(("AND", "OR")) if each.text.startswith(begun.upper())]
    if operator in ("IS", "IS NOT", "NOT"):
        return _rest_of_operator(operator, begun, field)
    return _values(reader, field, operator, begun, rest)


def _operator(rest: Sequence[_Token]) -> str:
    """What stands at the front of `rest`: `>=`, `NOT IN`, `IS NOT`."""
    words = []
    for token in rest:
        if token.sort != "symbol" and token.text.upper() not in OPERATOR_WORDS:
            break
        words.append(token.text.upper())
    return " ".join(words)


def _last_field(tokens: Sequence[_Token]) -> tuple[Column | None, list[_Token]]:
    """The field of the comparison being written, and what follows it; None where a field may stand."""
    for at in reversed(range(len(tokens))):
        token = tokens[at]
        if token.sort == "mark" and token.text == "(" and not _is_list(tokens[:at]):
            return None, []
        if token.sort == "word" and token.text.upper() in ("AND", "OR"):
            return None, []
        if token.sort == "word" and token.text.upper() == "NOT" and not tokens[at + 1 :]:
            if not at or _starts_comparison(tokens[at - 1]):
                return None, []
            continue
        column = _column_of(token)
        if column is not None and (not at or _starts_comparison(tokens[at - 1])):
            return column, list(tokens[at + 1 :])
    return None, []


def _starts_comparison(token: _Token) -> bool:
    return (token.sort == "word" and token.text.upper() in ("AND", "OR", "NOT")) or token.text == "("


def _is_list(tokens: Sequence[_Token]) -> bool:
    return bool(tokens) and tokens[-1].text.upper() == "IN"


def _column_of(token: _Token) -> Column | None:
    if token.sort == "field":
        kind, _, key = token.text.rpartition(".") if token.text.startswith("`") else token.text.partition(".")
        known = _KINDS.get(kind.lower())
        return Column(known, key.strip('`"')) if known and key else None
    if token.sort == "word" and token.text in (*RUNS.texts, *RUNS.numbers):
        return Column("attribute", token.text)
    return None


def _has_value(rest: Sequence[_Token], operator: str) -> bool:
    if operator.endswith("IN"):
        return rest[-1].text == ")"
    return any(token.sort == "text" for token in rest) or (
        rest[0].sort == "symbol" and any(token.sort == "word" for token in rest)
    )


# ------------------------------------------------------------------------------------------------- offers


def _said(words: Iterable[str]) -> list[Offer]:
    return [Offer(word, SAYS[word]) for word in words]


def _fields(reader: Reader, begun: str) -> list[Offer]:
    kind, dot, key = begun.partition(".")
    if dot and kind.lower() in _KINDS:
        return _keys(reader, kind, key)
    attributes = [Offer(name, "of the run") for name in ("status", "run_name", *RUNS.texts, *RUNS.numbers)]
    kinds = [Offer(f"{name}.", SAYS[name]) for name in (*METRIC_KINDS, PARAM, TAG, "dataset")]
    offers = dict.fromkeys([*kinds, *attributes, *_said(("NOT",))])
    return [each for each in offers if each.text.lower().startswith(begun.lower())]


def _keys(reader: Reader, kind: str, begun: str) -> list[Offer]:
    """Those that begin with what is written, then those that hold it."""
    known = _KINDS[kind.lower()]
    letters = begun.strip('`"').lower()
    if known == "dataset":
        keys: list[str] = list(RUNS.dataset_keys)
    elif known == "attribute":
        keys = [*RUNS.texts, *RUNS.numbers]
    else:
        keys = keys_on_record(reader, known)
    found = [key for key in keys if letters in key.lower()]
    found.sort(key=lambda key: not key.lower().startswith(letters))
    return [Offer(f"{kind}.{_quoted(key)}", SAYS.get(known, "")) for key in found[:OFFERED]]


def _quoted(key: str) -> str:
    return Column(TAG, key).field.partition(".")[2]


def _operators(field: Column) -> list[Offer]:
    if field.kind in METRIC_KINDS or field.key in RUNS.numbers:
        return _said(NUMERIC)
    return _said(OF_KEYS if field.kind in (PARAM, TAG) else OF_TEXT_ATTRIBUTES)


def _rest_of_operator(operator: str, begun: str, field: Column) -> list[Offer]:
    whole = [each for each in _operators(field) if each.text.startswith(f"{operator} ")]
    rests = [Offer(each.text.removeprefix(f"{operator} "), each.says) for each in whole]
    return [each for each in rests if each.text.startswith(begun.upper())]


def _values(reader: Reader, field: Column, operator: str, begun: str, rest: Sequence[_Token]) -> list[Offer]:
    """Values that runs have; a list begins with its parenthesis."""
    if field.kind in METRIC_KINDS or field.key in RUNS.numbers or operator in ("LIKE", "ILIKE"):
        return []
    letters = begun.strip("'\"").lower()
    values = [value for value in _known_values(reader, field) if letters in value.lower()]
    values.sort(key=lambda value: not value.lower().startswith(letters))
    is_first = operator.endswith("IN") and not any(token.text == "(" for token in rest)
    before, after = ("(", ")") if is_first else ("", "")
    return [Offer(f"{before}'{value.replace(chr(39), chr(39) * 2)}'{after}", "") for value in values]


def _known_values(reader: Reader, field: Column) -> list[str]:
    if field.key == "status" and field.kind == "attribute":
        return [*RUN_STATUSES, LOST]
    if field.kind == "attribute":
        column = {"run_name": "name", "user_id": "user_id", "run_id": "id"}.get(field.key)
        if column is None:
            return []
        rows = reader.all(
            f"SELECT {column} AS value FROM runs ORDER BY no DESC LIMIT :most", most=VALUES_READ
        )
    elif field.kind in (PARAM, TAG):
        query = SQL.param_values if field.kind == PARAM else SQL.tag_values
        rows = reader.all(query, key=field.key, most=VALUES_READ)
    else:
        return []
    values = dict.fromkeys(row["value"] for row in rows)
    return [value for value in values if value and len(value) <= LONGEST_VALUE]
