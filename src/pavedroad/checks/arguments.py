"""Writing one more argument into a call, as a person would."""

from __future__ import annotations

import ast
import io
import tokenize

from pavedroad.checks.model import Edit
from pavedroad.checks.source import Call, Module

_QUIET = (
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.COMMENT,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)


def add_argument(module: Module, call: Call, argument: str) -> Edit | None:
    """Insert after the last token before the closing bracket; comments and layout stay.

    None where a text edit cannot do it: in a notebook, whose text lies inside JSON, or behind a generator.
    """
    if module.notebook or module.has_odd_lines:
        return None
    node = call.node
    if any(isinstance(value, ast.GeneratorExp) for value in node.args):
        return None  # a bare generator takes no second argument
    start = module.offset(node.func.end_lineno or 0, node.func.end_col_offset or 0)
    end = module.offset(node.end_lineno or 0, node.end_col_offset or 0)
    last = _last_token(module.text[start : end - 1])
    if last is None:
        return None
    offset, mark, is_own_line = last
    if mark == "(":
        return Edit(path=module.path, start=start + offset, end=start + offset, text=argument)
    if not is_own_line:
        text = f" {argument}" if mark == "," else f", {argument}"
        return Edit(path=module.path, start=start + offset, end=start + offset, text=text)
    line_start = module.text.rindex("\n", 0, start + offset) + 1
    line = module.text[line_start : start + offset]
    newline = "\r\n" if module.text[line_start - 2 : line_start] == "\r\n" else "\n"
    indentation = line[: len(line) - len(line.lstrip())]
    text = f"{newline}{indentation}{argument}," if mark == "," else f",{newline}{indentation}{argument}"
    return Edit(path=module.path, start=start + offset, end=start + offset, text=text)


def _last_token(text: str) -> tuple[int, str, bool] | None:
    """The last token of a call: the offset behind it, itself, whether it stands on a line of its own."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    last = None
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _QUIET:
                last = token
    except (tokenize.TokenError, SyntaxError):
        pass  # the closing bracket is missing on purpose
    if last is None:
        return None
    rest = text[starts[last.end[0] - 1] + last.end[1] :]
    is_own_line = last.end[0] > 1 and "\n" in rest and "#" not in rest.partition("\n")[0]
    return starts[last.end[0] - 1] + last.end[1], last.string, is_own_line
