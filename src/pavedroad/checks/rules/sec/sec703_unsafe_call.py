from __future__ import annotations

import ast
from collections.abc import Iterator

from pavedroad.checks.model import SAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Call, Module

UNSAFE_LOADERS = ("Loader", "UnsafeLoader", "CLoader", "CUnsafeLoader")
RUNNERS = ("run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput")
SHELLS = ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput")
CLIENTS = (
    "get", "post", "put", "patch", "delete", "head", "options", "request", "Client", "AsyncClient", "stream",
    "MongoClient", "Elasticsearch", "Minio",
)  # fmt: skip
TEXT_MAKERS = (
    "read", "read_text", "format", "join", "strip", "encode", "decode", "dedent", "compile", "open", "Path",
)  # fmt: skip
DIGIT_TESTS = ("isnumeric", "isdigit", "isdecimal")
MOST_STEPS = 6  # from a name to what it was given
LOCAL = ("http://localhost", "https://localhost", "https://127.0.0.1", "http://127.0.0.1")


@rule(
    "SEC703",
    "unsafe-call",
    since="0.1",
    explore="warning",
    team="warning",
    production="error",
    fix="safe",
    by_module=True,
)
def unsafe_call(project: Project) -> Iterator[Found]:
    """Data stays data: it is not run as code or as a command, and certificates are checked.

    Why:
        yaml.load builds any object a file asks for, eval and shell=True run what somebody typed,
        verify=False trusts whoever answers. Of 42 public projects 10% had shell=True, 7% eval or exec, 2%
        each of the others.
    Bad:
        ```python
        import yaml

        settings = yaml.load(open("settings.yaml"), Loader=yaml.Loader)
        ```
    Good:
        ```python
        import yaml

        settings = yaml.safe_load(open("settings.yaml"))
        ```
    Accepts:
        eval, exec and shell commands made of constants only, a version file that setup.py runs,
        connections to localhost, and tests.
    Fix:
        Writes yaml.safe_load, or SafeLoader where a loader is named. The others need a decision.
    References:
        https://github.com/yaml/pyyaml/wiki/PyYAML-yaml.load(input)-Deprecation
        https://docs.python.org/3/library/subprocess.html#security-considerations
    """
    for module in project.modules:
        if not project.is_test(module.path):
            yield from _yaml(module)
            yield from _evaluations(module)
            yield from _shells(module)
            yield from _unverified(module)


def _yaml(module: Module) -> Iterator[Found]:
    for call in module.calls("load", "load_all", "unsafe_load", "unsafe_load_all", package="yaml"):
        if call.name.count(".") != 1 or call.is_open:
            continue
        loader = call.argument(1, "Loader")
        if call.tail.startswith("unsafe") or loader is None or _last(module, loader) in UNSAFE_LOADERS:
            yield Found(
                at=module.place(call.node),
                says=f"yaml.{call.tail} builds any object that the file asks for",
                hint="use yaml.safe_load",
                fix=_yaml_fix(module, call, loader),
            )


def _last(module: Module, node: ast.expr) -> str:
    return next((name.rpartition(".")[2] for name in module.names_of(node)), "")


def _yaml_fix(module: Module, call: Call, loader: ast.expr | None) -> Fix | None:
    node = call.node.func if loader is None else loader
    if module.notebook or module.has_odd_lines or not isinstance(node, ast.Attribute):
        return None
    new = "SafeLoader" if loader is not None else "safe_" + call.tail.removeprefix("unsafe_")
    end = module.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    edit = Edit(path=module.path, start=end - len(node.attr), end=end, text=new)
    return Fix(says=f"write {new}", safety=SAFE, edits=(edit,))


def _evaluations(module: Module) -> Iterator[Found]:
    for call in module.calls("eval", "exec"):
        is_builtin = call.name in ("eval", "exec") or call.is_from("builtins")
        if not is_builtin or not call.node.args or _is_own(module, call):
            continue
        if not _is_constant(module, call.node.args[0]) and not _is_only_digits(module, call):
            yield Found(
                at=module.place(call.node),
                says=f"{call.tail} runs as code what it is given",
                hint="look the value up in a dict of what is allowed, or use ast.literal_eval",
            )


def _is_only_digits(module: Module, call: Call) -> bool:
    """Whether it stands behind a test such as `text.isnumeric()`."""
    for above in module.enclosing(call.node, ast.If, ast.IfExp):
        test = above.test if isinstance(above, ast.If | ast.IfExp) else None
        if isinstance(test, ast.Call) and any(
            name.rpartition(".")[2] in DIGIT_TESTS for name in module.names_of(test.func)
        ):
            return True
    return False


def _is_own(module: Module, call: Call) -> bool:
    """A function of the module with that name, or setup.py with its version file."""
    return module.path.rpartition("/")[2] == "setup.py" or any(
        function.name == call.tail for function in module.functions
    )


def _shells(module: Module) -> Iterator[Found]:
    for call in module.calls(*RUNNERS, "system", "popen"):
        is_shell = call.name in SHELLS or (
            (call.is_from("subprocess") or call.name in RUNNERS) and call.literal("shell") is True
        )
        command = call.argument(0, "args")
        if is_shell and command is not None and not _is_constant(module, command):
            yield Found(
                at=module.place(call.node),
                says=f"{call.tail} gives a text with variables to a shell",
                hint='pass a list without a shell: subprocess.run(["git", "clone", url], check=True)',
            )


def _unverified(module: Module) -> Iterator[Found]:
    for call in module.calls(*CLIENTS):
        value = call.keyword("verify")
        if isinstance(value, ast.Constant) and value.value is False and not _is_local(call):
            yield Found(
                at=module.place(value),
                says="verify=False trusts whoever answers",
                hint="leave it out, or pass the certificate of your own authority: verify=path",
            )
    for call in module.calls("_create_unverified_context"):
        yield Found(
            at=module.place(call.node),
            says="this context checks no certificates",
            hint="use ssl.create_default_context, with cafile= for an authority of your own",
        )


def _is_local(call: Call) -> bool:
    url = call.argument(0, "url")
    return isinstance(url, ast.Constant) and str(url.value).startswith(LOCAL)


def _is_constant(module: Module, node: ast.expr, steps: int = 0) -> bool:
    """Whether a text is made of constants of the module alone."""
    if steps > MOST_STEPS:
        return False
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.BinOp):
        return _is_constant(module, node.left, steps + 1) and _is_constant(module, node.right, steps + 1)
    if isinstance(node, ast.JoinedStr | ast.Tuple | ast.List):
        parts = node.values if isinstance(node, ast.JoinedStr) else node.elts
        return all(_is_constant(module, part, steps + 1) for part in parts)
    if isinstance(node, ast.FormattedValue):
        return _is_constant(module, node.value, steps + 1)
    if isinstance(node, ast.Name):
        if node.id == "__file__":
            return True
        given = module.values_of(node)
        return bool(given) and all(_is_constant(module, value, steps + 1) for value in given)
    if isinstance(node, ast.Call):
        return _reads_constant(module, node, steps)
    if isinstance(node, ast.Attribute):
        return module.names_of(node)[:1] == ["sys.executable"] or _is_constant(module, node.value, steps + 1)
    return False


def _reads_constant(module: Module, node: ast.Call, steps: int) -> bool:
    """`open("version.py").read()`, and texts made of constants by `join`, `format`, `compile`, `dedent`."""
    tail = next((name.rpartition(".")[2] for name in module.names_of(node.func)), "")
    if tail in TEXT_MAKERS:
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        is_module = receiver is not None and isinstance(receiver, ast.Name) and receiver.id in module.aliases
        parts = [*([] if receiver is None or is_module else [receiver]), *node.args]
        return all(_is_constant(module, part, steps + 1) for part in parts)
    return False
