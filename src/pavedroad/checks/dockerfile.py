"""A Dockerfile as rules see it: instructions with their lines, stages, and what the images are called."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import msgspec

from pavedroad.checks.model import Place

_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*$")
_WORD = re.compile(r"\s*([A-Za-z]+)(?:\s+|$)")
_HEREDOC = re.compile(r"(?<!<)<<-?\s*([\"']?)([A-Za-z_]\w*)\1")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+])([^{}]*))?\}|(\w+))")
_FLAG = re.compile(r"--([\w-]+)(?:=(\S*))?\s+")
_AS = re.compile(r"^(\S+)(?:\s+as\s+(\S+))?\s*$", re.IGNORECASE)
_TEMPLATE = re.compile(r"^[ \t]*\{[%#]|^[ \t]*FROM[ \t][^\n]{0,400}\{\{", re.MULTILINE | re.IGNORECASE)
HEREDOC_INSTRUCTIONS = ("RUN", "COPY", "ADD")
MOST_INSTRUCTIONS = 5_000
LONGEST_VALUE = 65_536  # characters of an instruction that are taken apart by the shell's rules
LONGEST_REFERENCE = 512  # characters of an image's name: ARG may double itself line by line


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """The reference of a container image: `registry/name:tag@digest`, as far as it is known."""

    text: str  # as written
    name: str  # with its registry, without tag and digest
    tag: str
    digest: str
    is_known: bool  # whether every variable in it has a value

    @property
    def is_floating(self) -> bool:
        """Whether what it means changes by itself: no tag or `latest`, and no digest."""
        return self.is_known and not self.digest and self.tag in ("", "latest")

    @property
    def short_name(self) -> str:
        """`python` of `docker.io/library/python`."""
        return self.name.rpartition("/")[2]


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    name: str  # in capitals
    value: str  # continued lines joined by a blank, comments between them left out; without flags
    line: int
    end_line: int  # the last one, with heredocs
    flags: dict[str, str]
    heredoc: str = ""  # the text of its heredocs

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words of the value: of its JSON form where it has one."""
        if self.value.startswith("["):
            try:
                words = json.loads(self.value)
            except (ValueError, RecursionError):
                words = None
            if isinstance(words, list) and all(isinstance(word, str) for word in words):
                return tuple(words)
        try:
            return tuple(shlex.split(self.value) if len(self.value) < LONGEST_VALUE else self.value.split())
        except ValueError:
            return tuple(self.value.split())

    @property
    def script(self) -> str:
        """What a RUN runs."""
        if self.value.startswith("["):
            return " ".join(self.arguments)
        return f"{self.value}\n{self.heredoc}" if self.heredoc else self.value


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    name: str  # empty without AS
    base: Instruction  # its FROM
    image: Image
    parent: int | None  # the stage it builds on, when that is one of this file
    instructions: tuple[Instruction, ...]  # behind the FROM

    def named(self, *names: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name in names]


class Dockerfile(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]
    arguments: dict[str, str]  # of ARG before the first FROM

    @property
    def folder(self) -> str:
        """Empty for the root, else with a trailing `/`."""
        folder = self.path.rpartition("/")[0]
        return f"{folder}/" if folder else ""

    def named(self, *names: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name in names]

    def lineage(self, stage: Stage) -> Iterator[Stage]:
        """A stage and those it builds on, nearest first."""
        while True:
            yield stage
            if stage.parent is None:
                return
            stage = self.stages[stage.parent]

    @property
    def last_stage(self) -> Stage | None:
        """What `docker build` makes without a target."""
        return self.stages[-1] if self.stages else None

    def user_of(self, stage: Stage) -> Instruction | None:
        """The USER that holds at the end of a stage; None when only the base image says."""
        for one in self.lineage(stage):
            if users := one.named("USER"):
                return users[-1]
        return None

    def root_image(self, stage: Stage) -> Image:
        """The image from elsewhere that a stage rests on."""
        return list(self.lineage(stage))[-1].image

    def place(self, instruction: Instruction, line: str) -> Place:
        """The instruction's first line, whose text is `line`."""
        start = len(line) - len(line.lstrip()) + 1
        return Place(path=self.path, line=instruction.line, column=start, end_column=len(line.rstrip()) + 1)


def is_dockerfile(path: str) -> bool:
    """`Dockerfile`, `Dockerfile.train`, `train.Dockerfile`, `Containerfile`; not what only documents them."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(
        (".dockerignore", ".md", ".txt", ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".py", ".sh")
    ):
        return False
    return bool(re.match(r"(dockerfile|containerfile)([._-]|$)", name)) or name.endswith(
        (".dockerfile", ".containerfile")
    )


def read_dockerfile(path: str, text: str) -> Dockerfile | None:
    """None when it is a template, or has no FROM: then it is no Dockerfile, whatever its name."""
    if _TEMPLATE.search(text):
        return None
    instructions = tuple(_instructions(text))
    if not any(instruction.name == "FROM" for instruction in instructions):
        return None
    stages, arguments = _stages(instructions)
    return Dockerfile(path=path, instructions=instructions, stages=stages, arguments=arguments)


def read_image(text: str, variables: dict[str, str] | None = None) -> Image:
    """Split an image's reference, with variables as Docker and compose write them."""
    resolved = resolve(text, variables or {})
    rest, _, digest = resolved.partition("@")
    head, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    return Image(
        text=text,
        name=head + slash + last,
        tag=tag,
        digest=digest,
        is_known=bool(last) and not re.search(r"[${}\s]", resolved),
    )


def resolve(text: str, variables: dict[str, str]) -> str:
    """Put values for `$NAME`, `${NAME}`, `${NAME:-default}`; a variable without a value stays as it is."""

    def value(match: re.Match[str]) -> str:
        name, operator, word = match.group(1) or match.group(4), match.group(2) or "", match.group(3) or ""
        known = variables.get(name)
        if operator.endswith("+"):
            return word if known else ""
        if operator.endswith("-") and (known is None or (operator == ":-" and not known)):
            return word
        return match.group() if known is None else known

    return _VARIABLE.sub(value, text[:LONGEST_REFERENCE])[:LONGEST_REFERENCE]


def _instructions(text: str) -> Iterator[Instruction]:
    lines = text.replace("\r\n", "\n").split("\n")
    escape = _escape(lines)
    at = 0
    last_line = {line.strip(): number for number, line in enumerate(lines)}
    for _ in range(MOST_INSTRUCTIONS):
        while at < len(lines) and (not lines[at].strip() or lines[at].lstrip().startswith("#")):
            at += 1
        if at >= len(lines):
            return
        first = at
        joined, at = _joined(lines, at, escape)
        word = _WORD.match(joined)
        name = word.group(1).upper() if word else ""
        value = joined[word.end() :].strip() if word else joined.strip()
        heredoc = ""
        if name in HEREDOC_INSTRUCTIONS:
            heredoc, at = _heredocs(lines, at, value, last_line)
        flags, value = _flags(value)
        yield Instruction(name=name, value=value, line=first + 1, end_line=at, flags=flags, heredoc=heredoc)


def _escape(lines: list[str]) -> str:
    """The character that continues a line: directives stand above everything else."""
    for line in lines:
        match = _DIRECTIVE.match(line.strip())
        if not match:
            break
        if match.group(1).lower() == "escape" and match.group(2) == "`":
            return "`"
    return "\\"


def _joined(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """One instruction from its lines, and the number of the line behind it."""
    pieces: list[str] = []
    while at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if pieces and (not line.strip() or line.lstrip().startswith("#")):
            continue
        continues = line.endswith(escape)
        pieces.append(line.removesuffix(escape).strip())
        if not continues:
            break
    return " ".join(pieces), at


def _heredocs(lines: list[str], at: int, value: str, last_line: dict[str, int]) -> tuple[str, int]:
    """The texts behind an instruction, and the number of the line behind them."""
    body: list[str] = []
    for match in _HEREDOC.finditer(value):
        if last_line.get(match.group(2), -1) < at:
            break  # `<<` of something else
        end = next(number for number in range(at, len(lines)) if lines[number].strip() == match.group(2))
        body += lines[at:end]
        at = end + 1
    return "\n".join(body), at


def _flags(value: str) -> tuple[dict[str, str], str]:
    flags: dict[str, str] = {}
    while match := _FLAG.match(value):
        flags[match.group(1).lower()] = match.group(2) or ""
        value = value[match.end() :].lstrip()
    return flags, value


def _stages(instructions: tuple[Instruction, ...]) -> tuple[tuple[Stage, ...], dict[str, str]]:
    arguments: dict[str, str] = {}
    groups: list[list[Instruction]] = []
    for instruction in instructions:
        if instruction.name == "FROM":
            groups.append([instruction])
        elif groups:
            groups[-1].append(instruction)
        elif instruction.name == "ARG":
            for word in instruction.arguments:
                name, equals, default = word.partition("=")
                if equals:
                    arguments[name] = resolve(default, arguments)
    stages: list[Stage] = []
    for index, (base, *rest) in enumerate(groups):
        match = _AS.match(base.value)
        reference, name = (match.group(1), match.group(2) or "") if match else (base.value, "")
        image = read_image(reference, arguments)
        parents = {stage.name.lower(): stage.index for stage in stages if stage.name}
        parent = parents.get(resolve(reference, arguments).lower())
        stages.append(
            Stage(index=index, name=name, base=base, image=image, parent=parent, instructions=tuple(rest))
        )
    return tuple(stages), arguments
