"""What a step call stands for while a pipeline is built: a value that does not exist yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from pavedroad.errors import DefinitionError
from pavedroad.pipelines.annotations import fixed_items, is_iterable

if TYPE_CHECKING:
    from pavedroad.pipelines.graph import Node

MAKE_A_STEP = "do this inside a @paved.step; a pipeline only passes values on"


class Lazy:
    """The value, or one item of the tuple, that a step will return.

    It can be passed to other steps, unpacked when the step's annotation says into how many, and mapped
    over. Everything else would need the value itself, and is a DefinitionError that names the step.
    """

    __slots__ = ("_hint", "_node", "_path")

    def __init__(self, node: Node, path: tuple[int, ...], hint: Any) -> None:
        self._node = node
        self._path = path
        self._hint = hint

    def __iter__(self) -> Iterator[Lazy]:
        items = fixed_items(self._hint)
        if items is None:
            raise _unknown_number(self)
        return iter([Lazy(self._node, (*self._path, at), hint) for at, hint in enumerate(items)])

    def __len__(self) -> int:
        items = fixed_items(self._hint)
        if items is None:
            raise _not_yet(self, "its length is not known")
        return len(items)

    def __getitem__(self, at: Any) -> Lazy:
        items = fixed_items(self._hint)
        if items is None or not isinstance(at, int):
            raise _not_yet(self, f"[{at!r}] cannot be looked up")
        if not -len(items) <= at < len(items):
            raise DefinitionError(
                f"{describe_lazy(self)} has {len(items)} items, no item {at}", hint="correct the index"
            )
        return Lazy(self._node, (*self._path, at % len(items)), items[at])

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # Python and libraries ask for protocols this way
        raise _not_yet(self, f".{name} cannot be used")

    def __repr__(self) -> str:
        return f"<{describe_lazy(self)}, not computed yet>"

    def __hash__(self) -> int:
        return id(self)


def describe_lazy(lazy: Lazy) -> str:
    place = "".join(f"[{at}]" for at in lazy._path)
    return f"the result of step {lazy._node.name!r}{place}"


def parts_of(lazy: Lazy) -> tuple[Node, tuple[int, ...], Any]:
    """The node, the place in its tuple, and the type."""
    return lazy._node, lazy._path, lazy._hint


def check_mappable(lazy: Lazy, step_name: str) -> None:
    if not is_iterable(lazy._hint):
        raise DefinitionError(
            f"{step_name}.map goes over {describe_lazy(lazy)}, which is not a list",
            hint="return a list from that step",
        )


def _not_yet(lazy: Lazy, what: str) -> DefinitionError:
    return DefinitionError(f"{describe_lazy(lazy)} is not computed yet: {what}", hint=MAKE_A_STEP)


def _unknown_number(lazy: Lazy) -> DefinitionError:
    name = lazy._node.step.name
    return DefinitionError(
        f"{describe_lazy(lazy)} is not computed yet: it cannot be gone through or unpacked",
        hint=f"annotate {name}() as `-> tuple[A, B]` to unpack it,"
        " or use `step.map` to call a step for each item",
    )


def _refusing(what: str) -> Callable[..., NoReturn]:
    def refuse(self: Lazy, *_: Any, **__: Any) -> NoReturn:
        raise _not_yet(self, what)

    return refuse


_REFUSED = {
    "bool": "it cannot decide an `if`, `and`, `or` or `while`",
    "str": "it cannot become text",
    "format": "it cannot become text",
    "int": "it cannot become a number",
    "float": "it cannot become a number",
    "complex": "it cannot become a number",
    "index": "it cannot be an index",
    "fspath": "it cannot be opened as a file",
    "bytes": "it cannot become bytes",
    "contains": "nothing can be looked up in it",
    "call": "it cannot be called",
    "enter": "it cannot be entered with `with`",
    "exit": "it cannot be entered with `with`",
    "await": "it cannot be awaited",
    "array": "a function that is not a step cannot use it",
    "array_ufunc": "a function that is not a step cannot use it",
    "array_function": "a function that is not a step cannot use it",
    "dataframe": "a function that is not a step cannot use it",
    "setitem": "its items cannot be set",
    "delitem": "its items cannot be deleted",
    "reversed": "it cannot be reversed",
    "round": "it cannot be calculated with",
}
_ARITHMETIC = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
    "divmod",
    "radd",
    "rsub",
    "rmul",
    "rtruediv",
    "rfloordiv",
    "rmod",
    "rpow",
    "rmatmul",
    "rand",
    "ror",
    "rxor",
    "rlshift",
    "rrshift",
    "rdivmod",
    "iadd",
    "isub",
    "imul",
    "itruediv",
    "ifloordiv",
    "imod",
    "ipow",
    "imatmul",
    "iand",
    "ior",
    "ixor",
    "ilshift",
    "irshift",
    "neg",
    "pos",
    "abs",
    "invert",
]
for _name in _ARITHMETIC:
    setattr(Lazy, f"__{_name}__", _refusing("it cannot be calculated with"))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Lazy, f"__{_name}__", _refusing("it cannot be compared"))
for _name, _what in _REFUSED.items():
    setattr(Lazy, f"__{_name}__", _refusing(_what))
