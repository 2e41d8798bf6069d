"""The filter language of searches: MLflow's, with OR, NOT and parentheses added.

    filter      = [ disjunction ]
    disjunction = conjunction { OR conjunction }
    conjunction = negation { AND negation }
    negation    = NOT negation | "(" disjunction ")" | comparison
    comparison  = field ( = | != | < | <= | > | >= ) value
                | field ( LIKE | ILIKE ) text
                | field [ NOT ] IN "(" text { "," text } ")"
                | field IS [ NOT ] NULL
    field       = [ kind "." ] key            a key without kind is an attribute
    kind        = metric | param | tag | attribute | dataset, and their other spellings
                | last | min | max            the last, smallest, largest value of a metric
    key         = letters, digits, "_", "." | "`" any "`" | '"' any '"'
    value       = number | text
    text        = "'" any "'" | '"' any '"'   a quote inside is written twice

Words are read in any case. Which kinds and keys exist is a `Vocabulary`: every list has its own.
A comparison with something absent is false, whatever the operator; NOT makes it true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec

from pavedroad.errors import Invalid, nearest

Value: TypeAlias = str | int | float | tuple[str, ...] | None
METRIC, PARAM, TAG, ATTRIBUTE, DATASET = "metric", "parameter", "tag", "attribute", "dataset"
LEAST, MOST = "min", "max"  # of all values of a metric that are numbers; METRIC is its last one
METRICS = (METRIC, LEAST, MOST)
NUMERIC = frozenset({"=", "!=", "<", "<=", ">", ">="})
TEXTUAL = frozenset({"=", "!=", "LIKE", "ILIKE"})
LISTED = frozenset({"IN", "NOT IN"})
NULL = frozenset({"IS NULL", "IS NOT NULL"})
MOST_VALUES = 2000  # of one filter: databases bound their parameters
DEEPEST = 40  # parentheses in parentheses


class Field(msgspec.Struct, frozen=True):
    kind: str
    key: str


class Comparison(msgspec.Struct, frozen=True):
    field: Field
    operator: str
    value: Value = None


class And(msgspec.Struct, frozen=True):
    parts: tuple[Filter, ...]  # two or more


class Or(msgspec.Struct, frozen=True):
    parts: tuple[Filter, ...]  # two or more


class Not(msgspec.Struct, frozen=True):
    part: Filter


Filter: TypeAlias = Comparison | And | Or | Not


class Order(msgspec.Struct, frozen=True):
    field: Field
    ascending: bool = True


class FilterError(Invalid):
    """A filter or an order that cannot be read, and where: `text[at:at + length]` is what is wrong."""

    def __init__(
        self,
        message: str,
        *,
        text: str,
        at: int,
        length: int = 1,
        expected: Iterable[str] = (),
        suggestion: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint or (f"did you mean {suggestion!r}?" if suggestion else ""))
        self.text = text
        self.at = at
        self.length = length
        self.expected = tuple(expected)  # what could stand there
        self.suggestion = suggestion  # a known word that is spelled alike


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """What may stand in a filter of one list."""

    kinds: Mapping[str, str]  # every spelling -> kind
    texts: tuple[str, ...]  # attributes that are text
    numbers: tuple[str, ...]  # attributes that are numbers
    aliases: Mapping[str, str] = {}  # other names of attributes
    dataset_keys: tuple[str, ...] = ("name", "digest", "context")
    nullable: tuple[str, ...] = (PARAM, TAG)  # kinds that IS NULL asks about
    listed: tuple[str, ...] = (ATTRIBUTE, DATASET)  # kinds of text that IN asks about


RUN_KINDS = {
    **dict.fromkeys(("metric", "metrics", "last"), METRIC),
    **dict.fromkeys(("parameter", "parameters", "param", "params"), PARAM),
    **dict.fromkeys(("tag", "tags"), TAG),
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), ATTRIBUTE),
    **dict.fromkeys(("dataset", "datasets"), DATASET),
    LEAST: LEAST,
    MOST: MOST,
}
RUNS = Vocabulary(
    kinds=RUN_KINDS,
    texts=("artifact_uri", "run_id", "run_name", "status", "user_id"),
    numbers=("end_time", "start_time", "duration"),  # milliseconds
    aliases={
        **dict.fromkeys(("created", "Created"), "start_time"),
        **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name"),
    },
)
EXPERIMENTS = Vocabulary(
    kinds={
        **dict.fromkeys(("attribute", "attributes", "attr"), ATTRIBUTE),
        **dict.fromkeys(("tag", "tags"), TAG),
    },
    texts=("experiment_id", "name"),
    numbers=("creation_time", "last_update_time"),
    nullable=(TAG,),
)


def parse_filter(text: str, vocabulary: Vocabulary = RUNS) -> Filter | None:
    """Read a filter; None when it is empty. Raises Invalid with the place and the next step."""
    parser = _Parser(text, vocabulary)
    if parser.at_end():
        return None
    condition = parser.disjunction(0)
    if not parser.at_end():
        raise parser.stuck("expected AND, OR or the end", "AND", "OR")
    return condition


def print_filter(condition: Filter) -> str:
    """A text that `parse_filter` reads as the same filter."""
    match condition:
        case Comparison():
            return _print_comparison(condition)
        case Not():
            return f"NOT {_in_parentheses(condition.part)}"
        case And():
            return " AND ".join(map(_in_parentheses, condition.parts))
        case Or():
            return " OR ".join(map(_in_parentheses, condition.parts))


def parse_order(text: str, vocabulary: Vocabulary = RUNS) -> Order:
    """Read one order clause: `metrics.loss`, "params.`my key` DESC"."""
    parser = _Parser(text, vocabulary, what="order_by")
    field = parser.field()
    start, direction = parser.place(), parser.word()
    if not parser.at_end() or direction not in ("", "ASC", "DESC"):
        at = parser.place() if direction in ("ASC", "DESC") else start
        raise FilterError(
            f"Invalid order_by clause '{text}'. Could not be parsed.",
            text=text,
            at=at,
            length=len(text) - at,
            expected=("ASC", "DESC"),
            hint="write a field, then ASC or DESC",
        )
    return Order(field=field, ascending=direction != "DESC")


def comparisons_of(condition: Filter | None) -> list[Comparison]:
    match condition:
        case None:
            return []
        case Comparison():
            return [condition]
        case Not():
            return comparisons_of(condition.part)
        case _:
            return [found for part in condition.parts for found in comparisons_of(part)]


class Bound:
    """Collects the values of a statement under names of our own."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}

    def __call__(self, value: Value) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def to_sql(condition: Filter, comparison_sql: Callable[[Comparison, Bound], str], bound: Bound) -> str:
    """An SQL condition of true and false only; `comparison_sql` must not give NULL."""
    match condition:
        case Comparison():
            return comparison_sql(condition, bound)
        case Not():
            return f"(NOT {to_sql(condition.part, comparison_sql, bound)})"
        case _:
            word = " AND " if isinstance(condition, And) else " OR "
            return f"({word.join(to_sql(part, comparison_sql, bound) for part in condition.parts)})"


def column_sql(column: str, operator: str, value: Value, bound: Bound) -> str:
    """Compare a column that is not NULL. `column` is a name of ours, never the request's."""
    if isinstance(value, tuple):
        return f"{column} {operator} ({', '.join(map(bound, value))})"
    if operator in ("LIKE", "ILIKE"):
        # A backslash means itself in MLflow's patterns; PostgreSQL would read it as an escape.
        pattern = str(value).replace("\\", "\\\\")
        if operator == "ILIKE":
            return f"LOWER({column}) LIKE {bound(pattern.lower())} ESCAPE '\\'"
        return f"{column} LIKE {bound(pattern)} ESCAPE '\\'"
    return f"{column} {'<>' if operator == '!=' else operator} {bound(value)}"


# ------------------------------------------------------------------------------------------------- printing


def _in_parentheses(condition: Filter) -> str:
    text = print_filter(condition)
    return text if isinstance(condition, Comparison) else f"({text})"


def _print_comparison(comparison: Comparison) -> str:
    value = comparison.value
    field = f"{comparison.field.kind}.{_print_key(comparison.field.key)}"
    if value is None:
        return f"{field} {comparison.operator}"
    if isinstance(value, tuple):
        return f"{field} {comparison.operator} ({', '.join(map(_print_text, value))})"
    return f"{field} {comparison.operator} {_print_text(value) if isinstance(value, str) else repr(value)}"


def _print_key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else "`" + key.replace("`", "``") + "`"


def _print_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# -------------------------------------------------------------------------------------------------- reading

_SPACE = re.compile(r"\s*")
_PLAIN_KEY = re.compile(r"[\w.]+")
_FIELD = re.compile(
    r"(?:(?P<tick>`?)(?P<kind>\w+)(?P=tick)\.)?(?P<key>`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\"|[\w.]+)"
)
_WORD = re.compile(r"[A-Za-z]+(?![\w.])")
_SYMBOL = re.compile(r"[<>=!~]+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])")
_TEXT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_ANYTHING = re.compile(r"[^\s()]+|[()]")


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary, *, what: str = "filter string") -> None:
        self._text = text
        self._at = 0
        self._vocabulary = vocabulary
        self._what = what
        self._values = 0

    # ---- the grammar

    def disjunction(self, depth: int) -> Filter:
        parts = [self.conjunction(depth)]
        while self._take_word("OR"):
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self, depth: int) -> Filter:
        parts = [self.negation(depth)]
        while self._take_word("AND"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise self.stuck(f"more than {DEEPEST} parentheses in one another")
        if self._take_word("NOT"):
            return Not(self.negation(depth + 1))
        if self._take_mark("("):
            inside = self.disjunction(depth + 1)
            if not self._take_mark(")"):
                raise self.stuck("expected )", ")", "AND", "OR")
            return inside
        return self.comparison()

    def comparison(self) -> Comparison:
        start = self.place()
        field = self.field()
        before_operator = self.place()
        operator = self.operator(field)
        known = self._operators_of(field)
        if operator not in known:
            if operator in NULL:
                kinds = " and ".join(f"{kind}s" for kind in self._vocabulary.nullable)
                says = "IS NULL / IS NOT NULL is only supported for"
                raise self._wrong(f"{says} {kinds}, not for '{field.kind}' '{field.key}'", start)
            said = f"Invalid comparator '{operator}' not one of {sorted(known)}"
            raise self._wrong(said, before_operator, expected=sorted(known))
        comparison = Comparison(field, operator, self._value_of(field, operator))
        self._values += len(comparison.value) if isinstance(comparison.value, tuple) else 1
        if self._values > MOST_VALUES:
            said = f"the filter has more than {MOST_VALUES} values"
            raise self._wrong(said, start, hint="search in parts")
        return comparison

    def field(self) -> Field:
        start = self.place()
        found = self._match(_FIELD)
        if found is None:
            raise self.stuck("expected a field such as metrics.loss", "a field such as metrics.loss")
        key = _unquote(found["key"])
        if found["kind"] is None:
            return Field(ATTRIBUTE, self._known_key(ATTRIBUTE, key, start))
        kind = self._kind(found["kind"], found.start("kind"))
        return Field(kind, self._known_key(kind, key, found.start("key")))

    def operator(self, field: Field) -> str:
        symbol = self._match(_SYMBOL)
        if symbol is not None:
            return symbol[0]
        start, word = self._at, self.word()
        if word in ("LIKE", "ILIKE", "IN"):
            return word
        if word == "NOT" and self._take_word("IN"):
            return "NOT IN"
        if word == "IS":
            is_not = self._take_word("NOT")
            if self._take_word("NULL"):
                return "IS NOT NULL" if is_not else "IS NULL"
        self._at = start
        raise self.stuck("expected a comparison such as = or LIKE", *sorted(self._operators_of(field)))

    # ---- words and values

    def at_end(self) -> bool:
        self._match(_SPACE)
        return self._at == len(self._text)

    def word(self) -> str:
        """The next word in capitals, or ""."""
        found = self._match(_WORD)
        return found[0].upper() if found else ""

    def place(self) -> int:
        """Where the next word starts."""
        self._match(_SPACE)
        return self._at

    def stuck(self, why: str, *expected: str) -> FilterError:
        rest = self._rest()
        return FilterError(
            f"Invalid clause(s) in {self._what}: '{self._text}': {why}, "
            f"found {rest or 'the end'!r} at character {self._at + 1}",
            text=self._text,
            at=self._at,
            length=len(rest),
            expected=expected,
            hint="quote keys with backticks and texts with single quotes",
        )

    def _rest(self) -> str:
        """What stands here, up to the next space; "" at the end."""
        self._match(_SPACE)
        found = _ANYTHING.match(self._text, self._at)
        return found[0] if found else ""

    def _wrong(
        self, message: str, at: int, *, expected: Iterable[str] = (), suggestion: str = "", hint: str = ""
    ) -> FilterError:
        """What stands between `at` and here cannot be."""
        return FilterError(
            message,
            text=self._text,
            at=at,
            length=max(1, self._at - at),
            expected=expected,
            suggestion=suggestion,
            hint=hint,
        )

    def _value_of(self, field: Field, operator: str) -> Value:
        if operator in NULL:
            return None
        if operator in LISTED:
            return self._texts()
        start = self._at
        is_number = self._is_number(field)
        if is_number:
            if (number := self._match(_NUMBER)) is not None:
                is_whole = field.kind == ATTRIBUTE and number[0].lstrip("+-").isdigit()
                return int(number[0]) if is_whole and len(number[0]) < 20 else float(number[0])
        elif (text := self._match(_TEXT)) is not None:
            return _unquote(text[0])
        self._at = start
        raise self._wrong_value(field, is_number)

    def _wrong_value(self, field: Field, is_number: bool) -> FilterError:
        found = self._rest()
        if is_number:
            what = "metric" if field.kind in METRICS else f"numeric attribute: {field.key}"
            message = f"Expected numeric value type for {what}. Found {found or 'nothing'}"
            expected = "a number"
        else:
            what = {ATTRIBUTE: "attributes", DATASET: "dataset attributes"}.get(field.kind, field.kind)
            message = (
                f"Expected a quoted string value for {what} (e.g. 'my-value'). Got value {found or 'nothing'}"
            )
            if found[:1].isalpha():
                message = (
                    "Parameter value is either not quoted or unidentified quote types used for string value "
                    f"{found}. Use either single or double quotes."
                )
            expected = "a text in single quotes"
        at = self._at
        self._at += len(found)
        return self._wrong(message, at, expected=(expected,))

    def _texts(self) -> tuple[str, ...]:
        texts: list[str] = []
        if not self._take_mark("("):
            raise self.stuck("expected a list such as ('a', 'b')", "a list such as ('a', 'b')")
        start = self._at - 1
        while (text := self._match(_TEXT)) is not None:
            texts.append(_unquote(text[0]))
            if not self._take_mark(","):
                break
        if not texts or not self._take_mark(")"):
            raise self._wrong(
                "While parsing a list in the query, expected a non-empty list of string values, "
                "but got ill-formed list.",
                start,
                expected=("a list such as ('a', 'b')",),
                hint="write it as ('a', 'b')",
            )
        return tuple(texts)

    # ---- the vocabulary

    def _kind(self, word: str, at: int) -> str:
        kinds = self._vocabulary.kinds
        if word not in kinds:
            self._at = at + len(word)
            known = list(dict.fromkeys(kinds.values()))
            raise self._wrong(
                f"Invalid entity type '{word}'. Valid values are {known}",
                at,
                expected=kinds,
                suggestion=nearest(word, kinds) or "",
            )
        return kinds[word]

    def _known_key(self, kind: str, key: str, at: int) -> str:
        words = self._vocabulary
        if kind == ATTRIBUTE:
            key = words.aliases.get(key, key)
            known = sorted((*words.texts, *words.numbers))
            if key not in known:
                raise self._wrong(
                    f"Invalid attribute key '{key}' specified. Valid keys are {known}",
                    at,
                    expected=known,
                    suggestion=nearest(key, known) or "",
                )
        if kind == DATASET and key not in words.dataset_keys:
            known = sorted(words.dataset_keys)
            raise self._wrong(
                f"Invalid dataset key '{key}' specified. Valid keys are {known}", at, expected=known
            )
        return key

    def _operators_of(self, field: Field) -> frozenset[str]:
        if self._is_number(field):
            return NUMERIC
        known = TEXTUAL
        if field.kind in self._vocabulary.listed:
            known |= LISTED
        if field.kind in self._vocabulary.nullable:
            known |= NULL
        return known

    def _is_number(self, field: Field) -> bool:
        return field.kind in METRICS or (field.kind == ATTRIBUTE and field.key in self._vocabulary.numbers)

    # ---- the text

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What stands here, after spaces; moves behind it."""
        start = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
        found = pattern.match(self._text, start)
        if found is not None:
            self._at = found.end()
        return found

    def _take_word(self, word: str) -> bool:
        start = self._at
        if self.word() == word:
            return True
        self._at = start
        return False

    def _take_mark(self, mark: str) -> bool:
        start = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
        if self._text.startswith(mark, start):
            self._at = start + len(mark)
            return True
        return False


def _unquote(text: str) -> str:
    quote = text[:1]
    return text[1:-1].replace(quote * 2, quote) if quote in ("`", '"', "'") and len(text) >= 2 else text
