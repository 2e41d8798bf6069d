"""Walks over source by Python's scopes: what it says without its formatting, and the names of its module.

Parameters, assignments, imports, `for`, `with`, `except`, `match`, comprehensions, lambdas, class bodies,
`global`, `nonlocal`, `:=` and type parameters hide names of the module; class bodies do not hide them from
their methods.

Left out of what it says: comments, formatting, docstrings and other lone constants, `pass`,
`if TYPE_CHECKING:` blocks, the annotations of undecorated functions and of local variables, and decorators
that come from Pavedroad (except their `version=`). Names in an annotation are still reported: a value of
that type flows through here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from pavedroad.pipelines.code.blind import chain_of
from pavedroad.pipelines.code.paths import spine
from pavedroad.pipelines.code.scopes import DEFERRED, Imported, Scope


def is_type_checking(test: ast.expr) -> bool:
    chain = chain_of(test)
    return chain is not None and chain[-1] == "TYPE_CHECKING"


_SKIPPED_FIELDS = {"ctx", "kind", "type_comment", "type_ignores"}
_FIELDS: dict[type, tuple[str, ...]] = {}


def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    fields = _FIELDS[kind] = tuple(field for field in kind._fields if field not in _SKIPPED_FIELDS)
    return fields


class KnownNames(NamedTuple):
    """What some names of the module are, which the walk has to know."""

    paved: frozenset[str] = frozenset()  # from Pavedroad
    blind: frozenset[str] = frozenset()  # other names for `importlib.import_module` and its like


NOTHING_KNOWN = KnownNames()


class NameWalk:
    handlers: dict[type, Callable[[Any, Any], None]]

    def __init__(self, known: KnownNames) -> None:
        self.out: list[str] = []
        self.scopes: list[Scope] = [Scope("module")]
        self.scope = self.scopes[0]
        self.known = known
        self.in_annotation = False
        self.uses: dict[int, str] = {}  # id of a Name node -> pseudo-attribute
        self.deferred: tuple[str, ...] | None = None  # a chain whose use was DEFERRED

    def visit(self, node: ast.AST) -> None:
        handler = self.handlers.get(type(node))
        if handler is None:
            self.generic(node)
        else:
            handler(self, node)

    def generic(self, node: ast.AST) -> None:
        out = self.out
        kind = type(node)
        out.append(kind.__name__)
        for field in _FIELDS.get(kind) or _fields(kind):
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                self.visit(value)
            elif isinstance(value, list):
                self.sequence(value)
            else:
                out.append(repr(value))

    def sequence(self, values: Iterable[Any]) -> None:
        self.out.append("[")
        for value in values:
            if isinstance(value, ast.AST):
                self.visit(value)
            else:
                self.out.append(repr(value))
        self.out.append("]")

    # --- scopes and names ---------------------------------------------------------------------------------

    def enter(self, kind: str, name: str = "") -> None:
        self.scope = Scope(kind, name)
        self.scopes.append(self.scope)

    def leave(self) -> None:
        ended = self.scopes.pop()
        self.scope = parent = self.scopes[-1]
        if ended.kind != "class" and parent.kind == "class":
            parent = next(scope for scope in reversed(self.scopes) if scope.kind != "class")
        ended.hand_over(parent, self.scopes[0])

    def mangled(self, name: str) -> str:
        if name.startswith("__") and not name.endswith("__"):
            for scope in reversed(self.scopes):
                if scope.kind == "class" and scope.name.strip("_"):
                    return f"_{scope.name.lstrip('_')}{name}"
        return name

    def bind(self, name: str) -> None:
        self.scope.bind(self.mangled(name))

    def read(self, name: str, attributes: tuple[str, ...] = ()) -> None:
        self.scope.read((self.mangled(name), *attributes), annotation=self.in_annotation)

    def read_for(self, use: str, chain: tuple[str, ...]) -> None:
        if use == DEFERRED:
            self.deferred = (self.mangled(chain[0]), *chain[1:])
        else:
            self.read(chain[0], (*chain[1:], use) if use else chain[1:])

    def name(self, node: ast.Name) -> None:
        self.out.append("Name")
        self.out.append(node.id)
        if isinstance(node.ctx, ast.Load):
            self.read_for(self.uses.get(id(node), ""), (node.id,))
        else:
            self.bind(node.id)

    def attribute(self, node: ast.Attribute) -> None:
        chain = chain_of(node)
        if chain is None:
            self.generic(node)
            return
        self.out.append("Chain")
        self.out.append(".".join(chain))
        self.read_for(self.uses.get(id(spine(node)[-1]), "") if self.uses else "", chain)

    def constant(self, node: ast.Constant) -> None:
        self.out.append("Constant")
        self.out.append(repr(node.value))
        if self.in_annotation and isinstance(node.value, str):
            try:
                tree = ast.parse(node.value.strip(), mode="eval")
            except (SyntaxError, ValueError, RecursionError):
                return
            self.silently(tree.body)

    def annotation(self, node: ast.expr | None, *, counts: bool) -> None:
        """Report the names of an annotation; its text enters the digest only if it counts."""
        if node is None:
            return
        before, self.in_annotation = self.in_annotation, True
        self.silently(node)
        self.in_annotation = before
        if counts:
            self.visit(node)

    def silently(self, node: ast.AST) -> None:
        keep, self.out = self.out, []
        self.visit(node)
        self.out = keep

    # --- statements ---------------------------------------------------------------------------------------

    def nothing(self, node: ast.AST) -> None: ...

    def expression(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic(node)

    def conditional(self, node: ast.If) -> None:
        if is_type_checking(node.test):
            self.sequence(node.orelse)
        else:
            self.generic(node)

    def assign(self, node: ast.Assign) -> None:
        self.out.append("Assign")
        self.visit(node.value)
        self.sequence(node.targets)

    def annotated_assign(self, node: ast.AnnAssign) -> None:
        self.annotation(node.annotation, counts=self.scope.kind == "class")
        self.out.append("Assign")
        self.sequence([node.value])
        self.sequence([node.target])

    def augmented_assign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id)
        self.generic(node)

    def declare_global(self, node: ast.Global) -> None:
        self.scope.top.update(self.mangled(name) for name in node.names)
        self.generic(node)

    def declare_nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            self.scope.free.add(self.mangled(name))
            self.read(name)
        self.generic(node)

    def plain_import(self, node: ast.Import) -> None:
        self.generic(node)
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.scope.bind_import(alias.asname or top, Imported(alias.name if alias.asname else top))
            if not alias.asname and top != alias.name:
                self.scope.submodules.setdefault(top, []).append(Imported(alias.name))

    def from_import(self, node: ast.ImportFrom) -> None:
        self.generic(node)
        for alias in node.names:
            self.scope.bind_import(
                alias.asname or alias.name, Imported(node.module or "", alias.name, node.level)
            )

    def binder(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.bind(node.name)
        self.generic(node)

    def mapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.bind(node.rest)
        self.generic(node)

    def walrus(self, node: ast.NamedExpr) -> None:
        self.out.append("NamedExpr")
        self.out.append(node.target.id)
        self.visit(node.value)
        holder = next(scope for scope in reversed(self.scopes) if scope.kind != "comprehension")
        holder.bind(self.mangled(node.target.id))

    # --- code inside code ---------------------------------------------------------------------------------

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.out.append(type(node).__name__)
        self.out.append(node.name)
        foreign = self.decorators(node.decorator_list)
        self.definition(node.name)
        self.defaults(node.args)
        has_parameters = self.type_parameters(node)
        for argument in _arguments(node.args):
            self.annotation(argument.annotation, counts=foreign)
        self.annotation(node.returns, counts=foreign)
        self.body("function", node.name, node.args, node.body)
        if has_parameters:
            self.leave()

    def anonymous(self, node: ast.Lambda) -> None:
        self.out.append("Lambda")
        self.defaults(node.args)
        self.body("function", "<lambda>", node.args, [node.body])

    def klass(self, node: ast.ClassDef) -> None:
        self.out.append("ClassDef")
        self.out.append(node.name)
        self.decorators(node.decorator_list)
        has_parameters = self.type_parameters(node)
        self.sequence(node.bases)
        self.sequence(node.keywords)
        self.body("class", node.name, None, node.body)
        if has_parameters:
            self.leave()
        self.definition(node.name)

    def definition(self, name: str) -> None:
        if self.scope.kind != "module":
            self.bind(name)

    def body(self, kind: str, name: str, arguments: ast.arguments | None, body: list[Any]) -> None:
        self.enter(kind, name)
        if arguments is None:
            self.scope.bound.update(("__module__", "__qualname__"))
        else:
            self.out.append(_signature(arguments))
            for argument in _arguments(arguments):
                self.bind(argument.arg)
        self.sequence(body)
        self.leave()

    def decorators(self, nodes: list[ast.expr]) -> bool:
        """Visit the decorators; True when one of them is not Pavedroad's."""
        foreign = False
        for node in nodes:
            chain = chain_of(node.func if isinstance(node, ast.Call) else node)
            if chain is None or chain[0] not in self.known.paved:
                foreign = True
                self.out.append("@")
                self.visit(node)
            elif isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "version":
                        self.visit(keyword)
        return foreign

    def type_parameters(self, node: Any) -> bool:
        parameters = getattr(node, "type_params", None)
        if not parameters:
            return False
        self.enter("function")
        for parameter in parameters:
            self.bind(parameter.name)
        self.sequence(parameters)
        return True

    def type_alias(self, node: Any) -> None:
        """`type X = ...`: evaluated when first asked for, in a scope of its own."""
        self.out.append("TypeAlias")
        self.visit(node.name)
        has_parameters = self.type_parameters(node)
        self.body("function", "", ast.arguments([], [], None, [], [], None, []), [node.value])
        if has_parameters:
            self.leave()

    def defaults(self, arguments: ast.arguments) -> None:
        self.sequence(arguments.defaults)
        self.sequence(arguments.kw_defaults)

    def comprehension(self, node: Any) -> None:
        self.out.append(type(node).__name__)
        first = node.generators[0]
        self.visit(first.iter)
        self.enter("comprehension")
        for generator in node.generators:
            self.out.append(str(generator.is_async))
            self.visit(generator.target)
            if generator is not first:
                self.visit(generator.iter)
            self.sequence(generator.ifs)
        self.sequence([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.leave()


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def _signature(arguments: ast.arguments) -> str:
    def names(several: list[ast.arg]) -> list[str]:
        return [argument.arg for argument in several]

    return repr(
        (
            names(arguments.posonlyargs),
            names(arguments.args),
            arguments.vararg.arg if arguments.vararg else None,
            names(arguments.kwonlyargs),
            arguments.kwarg.arg if arguments.kwarg else None,
        )
    )


NameWalk.handlers = {
    ast.Name: NameWalk.name,
    ast.Attribute: NameWalk.attribute,
    ast.Constant: NameWalk.constant,
    ast.Expr: NameWalk.expression,
    ast.Pass: NameWalk.nothing,
    ast.If: NameWalk.conditional,
    ast.Assign: NameWalk.assign,
    ast.AnnAssign: NameWalk.annotated_assign,
    ast.AugAssign: NameWalk.augmented_assign,
    ast.Global: NameWalk.declare_global,
    ast.Nonlocal: NameWalk.declare_nonlocal,
    ast.Import: NameWalk.plain_import,
    ast.ImportFrom: NameWalk.from_import,
    ast.ExceptHandler: NameWalk.binder,
    ast.MatchAs: NameWalk.binder,
    ast.MatchStar: NameWalk.binder,
    ast.MatchMapping: NameWalk.mapping,
    ast.NamedExpr: NameWalk.walrus,
    ast.FunctionDef: NameWalk.function,
    ast.AsyncFunctionDef: NameWalk.function,
    ast.Lambda: NameWalk.anonymous,
    ast.ClassDef: NameWalk.klass,
    ast.ListComp: NameWalk.comprehension,
    ast.SetComp: NameWalk.comprehension,
    ast.DictComp: NameWalk.comprehension,
    ast.GeneratorExp: NameWalk.comprehension,
}
if hasattr(ast, "TypeAlias"):  # Python 3.12
    NameWalk.handlers[ast.TypeAlias] = NameWalk.type_alias
