from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.source import Module

# Somebody's own folder, or a drive: never the same on another machine.
_PERSONAL = re.compile(r"(/home/|/Users/|/root/|[A-Za-z]:[\\/]{1,2}|\\\\[\w.-]+\\)[^\s\\/:*?\"<>|{}]+[^\n]*")
_URL = re.compile(r"\w{2,}://")
_QUERY = re.compile(r"\?[\w.-]+=")  # only an address has one
# Any other absolute path, judged by how it is used.
_ABSOLUTE = re.compile(r"/[A-Za-z0-9_.-]+(/[^\n:*?\"<>|{}]*)?")
# Absolute by convention: the same on every machine, or in every container of that platform.
_STANDARD = re.compile(
    r"/(tmp|dev|proc|sys|etc|usr|bin|sbin|lib|var/(run|log|tmp|lib)|run|opt/(ml|airflow)|app|code|srv|secrets|dbfs|gcs|kaggle/(input|working|temp)|content)"
    r"(/|$)"
)
_ROUTE = re.compile(
    r"/(api|v\d+|health\w*|ready|live|metrics|static|assets|docs|redoc|openapi|predict\w*|auth|users?|login)(/|\.|$)"
)
_PLACEHOLDER = re.compile(r"<[\w -]+>|\.\.\.|…|/path/to|/(your|my|some)[-_/]|username|/example")
OPENERS = frozenset(
    {
        "open", "Path", "PurePath", "PosixPath", "listdir", "scandir", "walk", "makedirs", "mkdir", "chdir",
        "exists", "isfile", "isdir", "glob", "iglob", "imread", "imwrite", "load", "dump", "loadtxt",
        "savetxt", "genfromtxt", "fromfile", "save", "savez", "load_model", "save_model", "load_dataset",
        "from_pretrained", "save_pretrained", "copy", "copyfile", "copytree", "move", "rmtree",
        "ImageFolder", "savefig", "to_csv", "to_parquet", "to_pickle", "to_json", "to_excel", "to_feather",
        "to_hdf", "to_sql", "append", "insert", "join", "add_argument", "scan_csv", "scan_parquet",
        "ZipFile", "load_dotenv", "exec", "run", "call", "check_output", "connect",
    }
)  # fmt: skip
_READS = re.compile(r"read_\w+|write_\w+|load_\w+|save_\w+")
_PATH_NAME = re.compile(
    r"(^|_)(dirs?|directory|folder|files?|filename|csv)(_|$)"
    r"|(data|dataset|model|weights|checkpoint|input|output|log|save|image|train|test|config)s?_path$",
    re.IGNORECASE,
)
# A route has no suffix, so with one even a plain `path` names a file.
_FILE = re.compile(
    r"\.(csv|parquet|json|txt|pkl|joblib|npy|npz|h5|pt|pth|onnx|feather|xlsx?|tsv|ya?ml|jpe?g|png)$"
)
# Users that images of containers and platforms make: their home is the same wherever the image runs.
_IMAGE_USER = re.compile(r"/home/(jovyan|airflow|vscode|site|app|nonroot|sagemaker-user|runner)(/|$)")
# Comparing or taking apart a path does not open it.
STRING_METHODS = frozenset(
    {
        "replace", "startswith", "endswith", "strip", "lstrip", "rstrip", "split", "rsplit", "removeprefix",
        "removesuffix", "partition", "rpartition", "find", "index", "count", "sub", "match", "search",
        "fullmatch", "compile", "findall", "get", "post", "put", "delete", "patch", "head", "options",
        "route", "websocket", "mount", "include_router", "Mount", "Route", "APIRouter", "request",
        "api_route", "url_for", "redirect", "RedirectResponse", "add_route", "add_url_rule",
    }
)  # fmt: skip
QUESTIONS = frozenset({"exists", "isfile", "isdir", "is_file", "is_dir", "is_mount", "ismount"})
SYS_PATH_METHODS = ("append", "insert", "extend")


@rule(
    "REP204", "absolute-path", since="0.1", explore="note", team="warning", production="error", by_module=True
)
def absolute_path(project: Project) -> Iterator[Found]:
    """Code names its data by a path that exists on other machines too.

    Why:
        `/home/ann/data` exists for Ann. Everyone else, and the scheduler at night, gets FileNotFoundError.
        21% of 42 public projects had such a path.
    Bad:
        ```python
        import pandas as pd

        frame = pd.read_csv("/home/ann/rides/data.csv")
        ```
    Good:
        ```python
        from pathlib import Path
        import pandas as pd

        frame = pd.read_csv(Path(__file__).parent / "data" / "rides.csv")
        ```
    Accepts:
        System folders (/tmp, /dev, /etc, /usr), folders of containers and platforms (/app, /opt/ml,
        /kaggle/input, /content, and what the project's own Dockerfile or compose file mentions), a question
        whether a folder is there, URL routes, patterns, the tail of an f-string,
        docstrings; in tests all but somebody's own folder.
    """
    containers = project.remember(_container_paths)
    for module in project.modules:
        in_test = project.is_test(module.path)
        for node in module.strings:
            text = str(node.value)
            if text[:1] in "/\\" or text[1:2] == ":":
                parent = module.parents.get(node)
                if _is_absolute(text, module, node, in_test) and not _is_known(text, containers):
                    at = parent if isinstance(parent, ast.JoinedStr) else node
                    yield Found(
                        at=module.place(at),
                        says=f"the path {_shown(text)} is not there on other machines",
                        hint="start from Path(__file__).parent, or take it from a parameter or a setting",
                    )


def _is_absolute(text: str, module: Module, node: ast.Constant, in_test: bool) -> bool:
    is_something_else = _PLACEHOLDER.search(text) or _URL.match(text) or _QUERY.search(text)
    if len(text) < 4 or is_something_else or _IMAGE_USER.match(text):
        return False
    use = _use(module, node)
    if use in ("ignored", "compared"):
        return False
    if _PERSONAL.fullmatch(text) and _is_one_path(text):
        return use in ("opened", "asked") or not in_test
    if (
        in_test
        or use != "opened"
        or _STANDARD.match(text)
        or _ROUTE.match(text)
        or not _ABSOLUTE.fullmatch(text)
    ):
        return False
    return _is_one_path(text) and text.count("/") >= 2


def _has_query(text: ast.JoinedStr) -> bool:
    parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in text.values]
    return bool(_QUERY.search("".join(parts)))


def _is_one_path(text: str) -> bool:
    """Not a sentence, a command line or a list of paths."""
    return not re.search(r"\s-{1,2}\w|[;|&<>$`]|\s/|, ", text) and text.count(" ") <= 3


def _use(module: Module, node: ast.Constant) -> str:
    """`opened`, `compared`, `ignored` or `other`: what the code around a text does with it."""
    child: ast.AST = node
    parent = module.parents.get(node)
    if isinstance(parent, ast.JoinedStr):
        if parent.values[0] is not node or _has_query(parent):
            return "ignored"  # the tail behind a value, or an address
        child, parent = parent, module.parents.get(parent)
    while isinstance(
        parent, ast.BinOp | ast.IfExp | ast.BoolOp | ast.Tuple | ast.List | ast.Starred | ast.Subscript
    ):
        if isinstance(parent, ast.BinOp) and parent.right is child:
            return "ignored"  # base + "/tail"
        child, parent = parent, module.parents.get(parent)
    if isinstance(parent, ast.Expr | ast.Compare | ast.MatchValue | ast.FormattedValue):
        return "compared" if isinstance(parent, ast.Compare) else "ignored"
    if isinstance(parent, ast.Attribute):
        return "opened" if parent.attr in ("format", "join") else "compared"
    if isinstance(parent, ast.keyword):
        return _use_as_keyword(module, parent)
    if isinstance(parent, ast.Call):
        return _use_as_argument(module, parent, child)
    text = str(node.value)
    return "opened" if any(_names_path(name, text) for name in _names_given(parent, child)) else "other"


def _use_as_keyword(module: Module, keyword: ast.keyword) -> str:
    call = module.parents.get(keyword)
    name = _tail(module, call.func) if isinstance(call, ast.Call) else ""
    if name in STRING_METHODS or keyword.arg in ("help", "description", "prefix", "url", "route", "pattern"):
        return "compared"
    if keyword.arg and _PATH_NAME.search(keyword.arg):
        return "opened"
    return "opened" if name in OPENERS or _READS.fullmatch(name) else "other"


def _use_as_argument(module: Module, call: ast.Call, argument: ast.AST) -> str:
    name = _tail(module, call.func)
    if name in STRING_METHODS:
        return "compared"
    if name == "join" and call.args and call.args[0] is not argument:
        return "ignored"  # os.path.join(base, "/tail")
    if name in SYS_PATH_METHODS:
        return "opened" if f"sys.path.{name}" in module.names_of(call.func) else "other"
    if name in QUESTIONS or _asks(module, call):
        return "asked"
    return "opened" if name in OPENERS or _READS.fullmatch(name) else "other"


def _asks(module: Module, call: ast.Call) -> bool:
    """`Path("/data").exists()`: whoever asks is ready for a no."""
    parent = module.parents.get(call)
    return isinstance(parent, ast.Attribute) and parent.attr in QUESTIONS


def _names_path(name: str, text: str) -> bool:
    return bool(_PATH_NAME.search(name)) or ("path" in name.lower() and bool(_FILE.search(text)))


def _names_given(parent: ast.AST | None, child: ast.AST) -> list[str]:
    """What the value is called: `DATA_DIR = "/..."`, `def load(path="/...")`, `{"data_path": "/..."}`."""
    if isinstance(parent, ast.Assign):
        return [getattr(target, "id", "") or getattr(target, "attr", "") for target in parent.targets]
    if isinstance(parent, ast.AnnAssign):
        return [getattr(parent.target, "id", "")]
    if isinstance(parent, ast.Dict):
        keys = [key for key, value in zip(parent.keys, parent.values, strict=True) if value is child]
        return [str(key.value) for key in keys if isinstance(key, ast.Constant)]
    if isinstance(parent, ast.arguments):
        positional = [*parent.posonlyargs, *parent.args]
        pairs = [*zip(reversed(positional), reversed(parent.defaults), strict=False)]
        pairs += [
            (name, value) for name, value in zip(parent.kwonlyargs, parent.kw_defaults, strict=True) if value
        ]
        return [argument.arg for argument, value in pairs if value is child]
    return []


def _tail(module: Module, function: ast.expr) -> str:
    names = module.names_of(function)
    return names[0].rpartition(".")[2] if names else ""


def _container_paths(project: Project) -> tuple[str, ...]:
    """Absolute paths that the project's own container files set up."""
    found: set[str] = set()
    for path in project.files:
        name = path.rpartition("/")[2].lower()
        if "dockerfile" in name or "compose" in name or name == "devcontainer.json":
            found.update(re.findall(r"(?<![\w./])/[A-Za-z0-9_][\w./-]*", project.text(path)))
    return tuple(path.rstrip("/") for path in found if path.count("/") >= 1 and len(path) > 2)


def _is_known(text: str, containers: tuple[str, ...]) -> bool:
    return any(text == path or text.startswith(f"{path}/") for path in containers)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
