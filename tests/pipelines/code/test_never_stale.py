"""Projects made at random: a change of one number that changes what a step returns changes its fingerprint.

The step is really run before and after, so nothing here repeats what the fingerprint believes about Python.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from pavedroad.pipelines.code import fingerprint

MODULES = ("m0", "m1", "m2", "m3")
HOW_MANY = 150


class Maker:
    """Writes modules whose names all differ; each may use those after it, in any way that Python has."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.numbers = 0
        self.items: list[tuple[str, str, str]] = []  # module, name, expression that gives its number
        self.lines: list[str] = []
        self.imports: list[str] = []
        self.inside: list[str] = []  # imports of the function that is being written
        self.module = ""

    def project(self) -> dict[str, str]:
        files = {}
        for module in reversed(MODULES):
            self.module, self.lines, self.imports = module, [], []
            for _ in range(self.random.randint(1, 4)):
                self.random.choice(KINDS)(self)
            files[f"late/{module}.py"] = "\n".join([*dict.fromkeys(self.imports), *self.lines, ""])
        self.module, self.lines, self.imports = "train", [], []
        body = self.body()
        files["late/train.py"] = "\n".join([*dict.fromkeys(self.imports), "def train():", *body, ""])
        return files

    def new(self) -> str:
        return f"n{len(self.items)}_{self.module}"

    def add(self, name: str, expression: str) -> None:
        self.items.append((self.module, name, expression))

    def number(self) -> str:
        self.numbers += 1
        return f"<{self.numbers}>"

    def sum(self, *, in_function: bool = False) -> str:
        """Numbers and what other items give."""
        terms = [self.number()]
        more = self.random.randint(0, 2) if self.items else 0
        terms += [self.reference(in_function=in_function) for _ in range(more)]
        return " + ".join(terms)

    def reference(self, *, in_function: bool) -> str:
        module, name, expression = self.random.choice(self.items)
        if module == self.module:
            return expression
        style = self.random.randrange(6 if in_function else 5)
        if style == 0:
            self.imports.append(f"from late.{module} import {name}")
        elif style == 1:
            self.imports.append(f"from .{module} import *")
        elif style == 2:
            self.imports.append(f"from late import {module}")
            return expression.replace(name, f"{module}.{name}")
        elif style == 3:
            self.imports.append(f"import late.{module} as as_{module}")
            return expression.replace(name, f"as_{module}.{name}")
        elif style == 4:
            self.imports.append(f"import late.{module}")
            return expression.replace(name, f"late.{module}.{name}")
        elif self.random.random() < 0.5:
            return expression.replace(name, f"importlib.import_module('late.{module}').{name}")
        else:
            self.inside.append(f"    from late.{module} import {name}")
        return expression

    def body(self) -> list[str]:
        """Lines of a function that returns a number."""
        self.imports.append("import importlib")
        self.inside = []
        total = self.sum(in_function=True).replace(" + ", ", ")
        return [*dict.fromkeys(self.inside), f"    return sum([x for x in [{total}]])"]


def constant(make: Maker) -> None:
    name = make.new()
    make.lines.append(f"{name} = {make.sum()}")
    make.add(name, name)


def function(make: Maker) -> None:
    name = make.new()
    default = make.sum()
    body = make.body()
    make.lines += [f"def {name}(x={default}):", *body[:-1], body[-1] + " + x"]
    make.add(name, f"{name}()")


def kind(make: Maker) -> None:
    name = make.new()
    bases = [item for item in make.items if item[0] == make.module and item[2].endswith(".m()")]
    base = f"({make.random.choice(bases)[1]})" if bases and make.random.random() < 0.7 else ""
    make.lines += [f"class {name}{base}:", f"    a{name} = {make.sum()}"]
    if make.random.random() < 0.7 or not base:
        body = ["    " + line for line in make.body()]
        make.lines += ["    def m(self):", *body[:-1], body[-1] + f" + self.a{name}"]
    make.add(name, f"{name}().m()")


def table(make: Maker) -> None:
    name = make.new()
    make.lines.append(f"{name} = {{'a': lambda: {make.sum()}, 'b': lambda: 0}}")
    make.add(name, f"{name}['a']()")


def changed(make: Maker) -> None:
    name = make.new()
    make.lines += [f"{name} = {{'v': 0}}", f"{name}['v'] = {make.sum()}"]
    make.add(name, f"{name}['v']")


def decorated(make: Maker) -> None:
    name, deco = make.new(), f"d{make.new()}"
    body = make.body()
    make.lines += [
        f"def {deco}(f):",
        f"    def w(): return f() + {make.sum()}",
        "    return w",
        f"@{deco}",
        f"def {name}():",
        *body,
    ]
    make.add(name, f"{name}()")


def closed(make: Maker) -> None:
    name, maker = make.new(), f"k{make.new()}"
    make.lines += [
        f"def {maker}(n):",
        f"    def g(): return n + {make.sum()}",
        "    return g",
        f"{name} = {maker}({make.sum()})",
    ]
    make.add(name, f"{name}()")


def bound(make: Maker) -> None:
    name, plain = make.new(), f"p{make.new()}"
    make.imports.append("import functools")
    make.lines += [
        f"def {plain}(x, y): return x + y + {make.sum()}",
        f"{name} = functools.partial({plain}, {make.sum()}, y={make.sum()})",
    ]
    make.add(name, f"{name}()")


def registered(make: Maker) -> None:
    name, register, inner = make.new(), f"r{make.new()}", f"i{make.new()}"
    body = make.body()
    make.lines += [
        f"{name} = {{}}",
        f"def {register}(f):",
        f"    {name}['f'] = f",
        "    return f",
        f"@{register}",
        f"def {inner}():",
        *body,
    ]
    make.add(name, f"{name}['f']()")


def conditional(make: Maker) -> None:
    name = make.new()
    make.lines += [
        f"if {make.number()} > 5:",
        f"    {name} = {make.sum()}",
        "else:",
        f"    def {name}_(): return {make.sum()}",
        f"    {name} = {name}_()",
    ]
    make.add(name, name)


def instance(make: Maker) -> None:
    name, kind = make.new(), f"c{make.new()}"
    make.lines += [
        f"class {kind}:",
        f"    def __init__(self, n): self.n = n + {make.sum()}",
        f"    def __call__(self): return self.n + {make.number()}",
        f"{name} = {kind}({make.sum()})",
    ]
    make.add(name, f"{name}()")


KINDS = (
    constant,
    function,
    kind,
    table,
    changed,
    decorated,
    closed,
    bound,
    registered,
    conditional,
    instance,
)


def written(files: dict[str, str], changed_number: int) -> dict[str, str]:
    """The project with its numbers in place, one of them another than at first."""
    made = {}
    for name, text in files.items():
        for number in range(200, 0, -1):
            text = text.replace(f"<{number}>", str(number * 7 + (100_000 if number == changed_number else 0)))
        made[name] = text
    return made


@pytest.mark.parametrize("seed", range(HOW_MANY))
def test_a_change_that_changes_the_result_changes_the_fingerprint(project: Any, seed: int) -> None:
    make = Maker(seed)
    files = {"late/__init__.py": "", **make.project()}
    project.write(written(files, 0))
    before = project.fingerprint()
    train = project.load().train
    result = train()
    assert fingerprint(train) == before, "running it must not change it"
    for number in random.Random(seed).sample(range(1, make.numbers + 1), min(4, make.numbers)):
        project.write(written(files, number))
        after = project.fingerprint()
        if project.load().train() != result:
            assert after.parts != before.parts, f"number {number} is not seen"
