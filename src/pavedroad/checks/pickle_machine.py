"""The stack machine of a pickle, with signs in place of objects: it makes and calls nothing."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable
from typing import Any

import msgspec

MOST_OPERATIONS = 1_000_000
MOST_NESTED = 8  # pickles within a joblib array of objects
LONGEST_TEXT = 1_000  # longer ones are no names
MOST_NAMES = 10_000
MOST_PARTS = 32  # of a shape
LARGE_REQUEST = 2**32  # bytes or elements that one call asks for
_ITEM_BYTES = re.compile(r"[<>|=]?(?P<kind>[a-zA-Z?])(?P<number>\d*)")
_BYTES_OF_KIND = {"U": 4, "S": 1, "a": 1, "V": 1, "b": 1, "i": 1, "u": 1, "f": 1, "c": 1}
_ALLOCATORS = frozenset(
    {"bytes", "bytearray", "zeros", "empty", "ones", "_reconstruct", "full", "range", "list"}
)
ARRAY_WRAPPER = "NumpyArrayWrapper"


class Broken(Exception):
    """The text is no whole pickle, or one too long to look through."""

    def __init__(self, says: str, *, is_limit: bool = False) -> None:
        super().__init__(says)
        self.is_limit = is_limit


class Global(msgspec.Struct, frozen=True):
    """A name that a pickle imports."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


PUT_TOGETHER = Global("?", "?")  # a name that only exists once other calls were made


class Made(msgspec.Struct, frozen=True):
    """What a call would give."""

    function: Any
    arguments: Any


class Budget:
    """How many operations are left. Guards the number across pickles within pickles."""

    def __init__(self, operations: int = MOST_OPERATIONS) -> None:
        self.left = operations


class _Sign:
    """A value that does not matter."""


MARK = _Sign()
VALUE = _Sign()


class Machine:
    """Runs pickles one after the other over the same bytes. Guards its place, stack and memo."""

    def __init__(self, data: bytes | mmap.mmap, budget: Budget, *, depth: int = 0) -> None:
        self.data = data
        self.at = 0
        self.budget = budget
        self.depth = depth
        self.globals: dict[Global, None] = {}
        self.sklearn_versions: dict[str, None] = {}
        self.excess = ""
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> None:
        """One pickle, up to its STOP. Raises Broken."""
        self._stack, self._memo = [], {}
        start, size = self.at, len(self.data)
        operations = OPERATIONS
        while True:
            if self.at >= size:
                raise Broken(f"it ends in the middle, {self.at - start:,} bytes in")
            if self.budget.left <= 0:
                raise Broken(f"it has more than {MOST_OPERATIONS:,} operations", is_limit=True)
            self.budget.left -= 1
            code = self.data[self.at]
            self.at += 1
            if code == 0x2E:  # STOP
                return
            operation = operations.get(code)
            if operation is None:
                raise Broken(f"byte {self.at - 1:,} is no operation of a pickle")
            try:
                operation(self)
            except (IndexError, ValueError, TypeError, RecursionError, KeyError) as error:
                raise Broken(f"byte {self.at - 1:,} does not fit: {type(error).__name__}") from None

    # ------------------------------------------------------------------------------------------ reading

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise Broken(f"it asks for {count:,} bytes, and {len(self.data) - self.at:,} are left")
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def skip(self, count: int) -> None:
        if count < 0 or self.at + count > len(self.data):
            raise Broken(f"it asks for {count:,} bytes, and {len(self.data) - self.at:,} are left")
        self.at += count

    def line(self) -> str:
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise Broken("a line has no end")
        text = self.data[self.at : min(end, self.at + LONGEST_TEXT)].decode("latin-1")
        self.at = end + 1
        return text

    def text(self, count: int) -> Any:
        """A text that may be a name; a longer one is only stepped over."""
        if count > LONGEST_TEXT:
            self.skip(count)
            return VALUE
        return self.take(count).decode("utf-8", errors="replace")

    # ------------------------------------------------------------------------------------------ stack

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        return self._stack.pop()

    def top(self) -> Any:
        return self._stack[-1]

    def items(self) -> list[Any]:
        """Everything above the last mark."""
        at = len(self._stack) - 1
        while self._stack[at] is not MARK:
            at -= 1
            if at < 0:
                raise Broken("a mark is missing")
        found = self._stack[at + 1 :]
        del self._stack[at:]
        return found

    def remember(self, at: int | None = None) -> None:
        self._memo[len(self._memo) if at is None else at] = self._stack[-1]

    def recall(self, at: int) -> None:
        self._stack.append(self._memo.get(at, VALUE))

    # ------------------------------------------------------------------------------------------ meaning

    def found(self, module: Any, name: Any) -> None:
        is_plain = isinstance(module, str) and isinstance(name, str)
        wanted = Global(module, name) if is_plain else PUT_TOGETHER
        self._keep(wanted)
        self.push(wanted)

    def _keep(self, wanted: Global) -> None:
        if len(self.globals) >= MOST_NAMES:
            raise Broken(f"it asks for more than {MOST_NAMES:,} names", is_limit=True)
        self.globals[wanted] = None

    def call(self, function: Any, arguments: Any) -> None:
        if isinstance(function, Global):
            self._look_at_call(function, arguments)
            got = self._attribute(function, arguments)
            if got is not None:
                self._keep(got)
                self.push(got)
                return
        self.push(Made(function, arguments))

    def _look_at_call(self, function: Global, arguments: Any) -> None:
        if function.name in _ALLOCATORS and isinstance(arguments, tuple):
            parts = arguments[:MOST_PARTS]
            sizes = [n for part in parts for n in (part[:MOST_PARTS] if isinstance(part, tuple) else (part,))]
            asked = max((n for n in sizes if isinstance(n, int)), default=0)
            if asked >= LARGE_REQUEST and not self.excess:
                self.excess = f"{function} is called for {asked:,} elements at once"

    def _attribute(self, function: Global, arguments: Any) -> Global | None:
        """`getattr(module, "name")` is another way to spell a name."""
        if function.name not in ("getattr", "attrgetter", "methodcaller") or not isinstance(arguments, tuple):
            return None
        holder = arguments[0] if function.name == "getattr" and arguments else function
        name = arguments[-1] if arguments else None
        if not isinstance(name, str):
            return None
        if isinstance(holder, Global) and len(holder.name) < LONGEST_TEXT:
            return Global(holder.module, f"{holder.name}.{name}")
        return Global("?", name)

    def state(self, target: Any, state: Any) -> None:
        """BUILD: what `__setstate__` would be given."""
        cls = target.function if isinstance(target, Made) else None
        if isinstance(cls, Global) and cls.name == ARRAY_WRAPPER and "joblib" in cls.module.split("."):
            self._skip_array(state if isinstance(state, dict) else {})

    def entry(self, holder: Any, key: Any, value: Any) -> None:
        if isinstance(key, str):
            if isinstance(holder, dict):
                holder[key] = value
            if key == "_sklearn_version" and isinstance(value, str):
                self.sklearn_versions[value] = None

    def _skip_array(self, state: dict[str, Any]) -> None:
        """joblib writes an array's bytes right behind the wrapper that describes it."""
        item = self._item_bytes(state.get("dtype"))
        shape = state.get("shape")
        if item is None or not isinstance(shape, tuple) or len(shape) > MOST_PARTS:
            raise Broken("an array of joblib is described in an unknown way")
        if item == 0:
            self._nested()
            return
        count = 1
        for length in shape:
            count *= length if isinstance(length, int) else 1
        if state.get("numpy_array_alignment_bytes") is not None:
            self.skip(self.number(1))
        self.skip(count * item)

    def _item_bytes(self, dtype: Any) -> int | None:
        """Of one element; 0 for Python objects, which are pickled; None when unknown."""
        text = dtype.arguments[0] if isinstance(dtype, Made) and isinstance(dtype.arguments, tuple) else None
        match = _ITEM_BYTES.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        kind, number = match["kind"], int(match["number"] or 1)
        if kind == "O":
            return 0
        return 8 if kind in "Mm" else number * _BYTES_OF_KIND.get(kind, 1)

    def _nested(self) -> None:
        if self.depth >= MOST_NESTED:
            raise Broken(f"pickles lie within pickles more than {MOST_NESTED} deep", is_limit=True)
        inner = Machine(self.data, self.budget, depth=self.depth + 1)
        inner.at = self.at
        try:
            inner.run()
        finally:
            self.globals |= inner.globals
            self.sklearn_versions |= inner.sklearn_versions
            self.excess = self.excess or inner.excess
        self.at = inner.at


# ------------------------------------------------------------------------------------------------ operations


def _small_integer(machine: Machine, width: int) -> None:
    machine.push(machine.number(width))


def _long(machine: Machine, width: int) -> None:
    count = machine.number(width)
    if count > 16:  # larger than anything that counts something
        machine.skip(count)
        machine.push(LARGE_REQUEST)
    else:
        machine.push(int.from_bytes(machine.take(count), "little", signed=True))


def _integer_line(machine: Machine) -> None:
    text = machine.line().rstrip("L")
    machine.push(int(text) if len(text) < 40 else LARGE_REQUEST)


def _skipped(machine: Machine, width: int) -> None:
    machine.skip(machine.number(width))
    machine.push(VALUE)


def _quoted(machine: Machine) -> None:
    machine.push(machine.line().strip("'\""))


def _tuple(machine: Machine, count: int) -> None:
    parts = [machine.pop() for _ in range(count)]
    machine.push(tuple(reversed(parts)))


def _discard(machine: Machine, count: int) -> None:
    for _ in range(count):
        machine.pop()


def _collected(machine: Machine) -> None:
    machine.items()
    machine.push(VALUE)


def _marked_dict(machine: Machine) -> None:
    items = machine.items()
    machine.push({})
    _set_items(machine, items)


def _set_items(machine: Machine, items: list[Any]) -> None:
    holder = machine.top()
    for key, value in zip(items[::2], items[1::2], strict=False):
        machine.entry(holder, key, value)


def _set_item(machine: Machine) -> None:
    value, key = machine.pop(), machine.pop()
    machine.entry(machine.top(), key, value)


def _reduce(machine: Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.call(function, arguments)


def _new_with_keywords(machine: Machine) -> None:
    machine.pop()
    _reduce(machine)


def _build(machine: Machine) -> None:
    state = machine.pop()
    machine.state(machine.top(), state)


def _object(machine: Machine) -> None:
    items = machine.items()
    machine.call(items[0], tuple(items[1:]))


def _instance(machine: Machine) -> None:
    module, name = machine.line(), machine.line()
    arguments = tuple(machine.items())
    machine.found(module, name)
    machine.call(machine.pop(), arguments)


def _global(machine: Machine) -> None:
    module = machine.line()
    machine.found(module, machine.line())


def _stack_global(machine: Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.found(module, name)


def _extension(machine: Machine, width: int) -> None:
    machine.found("?", f"extension {machine.number(width)}")


def _pop(machine: Machine) -> None:
    machine.pop()


def _persistent(machine: Machine) -> None:
    machine.line()
    machine.push(VALUE)


def _persistent_of_stack(machine: Machine) -> None:
    machine.pop()
    machine.push(VALUE)


Operation = Callable[[Machine], Any]


def _pushed(value: Any) -> Operation:
    return lambda machine: machine.push(value)


OPERATIONS: dict[int, Operation] = {
    ord(code): operation
    for code, operation in {
        "(": _pushed(MARK),
        "0": _pop,
        "1": lambda machine: machine.items(),
        "2": lambda machine: machine.push(machine.top()),
        "F": _persistent,  # a float on a line of its own
        "G": lambda machine: (machine.skip(8), machine.push(VALUE)),
        "I": _integer_line,
        "L": _integer_line,
        "J": lambda machine: _small_integer(machine, 4),
        "K": lambda machine: _small_integer(machine, 1),
        "M": lambda machine: _small_integer(machine, 2),
        "N": _pushed(None),
        "P": _persistent,
        "Q": _persistent_of_stack,
        "R": _reduce,
        "S": _quoted,
        "T": lambda machine: machine.push(machine.text(machine.number(4))),
        "U": lambda machine: machine.push(machine.text(machine.number(1))),
        "V": lambda machine: machine.push(machine.line()),
        "X": lambda machine: machine.push(machine.text(machine.number(4))),
        "a": _pop,  # APPEND
        "b": _build,
        "c": _global,
        "d": _marked_dict,
        "}": lambda machine: machine.push({}),
        "e": lambda machine: machine.items(),  # APPENDS
        "g": lambda machine: machine.recall(int(machine.line())),
        "h": lambda machine: machine.recall(machine.number(1)),
        "i": _instance,
        "j": lambda machine: machine.recall(machine.number(4)),
        "l": _collected,
        "]": _pushed(VALUE),
        "o": _object,
        "p": lambda machine: machine.remember(int(machine.line())),
        "q": lambda machine: machine.remember(machine.number(1)),
        "r": lambda machine: machine.remember(machine.number(4)),
        "s": _set_item,
        "t": lambda machine: machine.push(tuple(machine.items())),
        ")": _pushed(()),
        "u": lambda machine: _set_items(machine, machine.items()),
        "B": lambda machine: _skipped(machine, 4),
        "C": lambda machine: _skipped(machine, 1),
        "\x80": lambda machine: machine.skip(1),
        "\x81": _reduce,  # NEWOBJ
        "\x82": lambda machine: _extension(machine, 1),
        "\x83": lambda machine: _extension(machine, 2),
        "\x84": lambda machine: _extension(machine, 4),
        "\x85": lambda machine: _tuple(machine, 1),
        "\x86": lambda machine: _tuple(machine, 2),
        "\x87": lambda machine: _tuple(machine, 3),
        "\x88": _pushed(True),
        "\x89": _pushed(False),
        "\x8a": lambda machine: _long(machine, 1),
        "\x8b": lambda machine: _long(machine, 4),
        "\x8c": lambda machine: machine.push(machine.text(machine.number(1))),
        "\x8d": lambda machine: machine.push(machine.text(machine.number(8))),
        "\x8e": lambda machine: _skipped(machine, 8),
        "\x8f": _pushed(VALUE),
        "\x90": lambda machine: machine.items(),  # ADDITEMS
        "\x91": _collected,
        "\x92": _new_with_keywords,
        "\x93": _stack_global,
        "\x94": lambda machine: machine.remember(),
        "\x95": lambda machine: machine.skip(8),  # FRAME: what it holds follows
        "\x96": lambda machine: _skipped(machine, 8),
        "\x97": _pushed(VALUE),
        "\x98": lambda machine: None,
    }.items()
}
