"""What an advisory is: a change in a package that breaks, or will break, the code of its users."""

from __future__ import annotations

from datetime import date

import msgspec

EFFECTS = ("breaks", "may-break", "changes-results", "warns")  # worst first
KINDS = (
    "import",
    "attribute",
    "method",
    "keyword",
    "literal-value",
    "decorator",
    "class-body",
    "statement",
    "requirement-name",
    "lock-pair",
    "python-version",
    "artefact",
    "none",
)
FIX_KINDS = (
    "replace-name",
    "rename-keyword",
    "rename-method",
    "remove-keyword",
    "add-keyword",
    "replace-literal",
    "replace-call",
    "fill-method",
    "chained-to-loc",
    "default-none",
    "rename-requirement",
    "cap",
    "text",
)
SHAPES = (
    "chained-assignment",
    "dtype-is-object",
    "dates-as-integers",
    "optional-without-default",
    "four-way-step",
    "with-call",
)


class Match(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a use looks like in a project. Names are dotted, resolved through imports; `*` fits anything."""

    kind: str
    symbols: tuple[str, ...] = ()  # of import and attribute
    names: tuple[str, ...] = ()  # of methods, keywords, members of a class, requirements
    callable: tuple[str, ...] = ()  # whose arguments are looked at
    methods: tuple[str, ...] = ()  # the same, when it is a method
    receiver: tuple[str, ...] = ()  # classes that the object of a method may be of
    evidence: tuple[str, ...] = ()  # keywords that show as well as a known receiver what is called
    name_is_enough: bool = False  # no other package has such a method; the module must import this one
    whole_frame: bool = False  # the receiver is read from a source as it is, not a selection of columns
    called: bool = True  # false: an attribute of the receiver, not a call
    without: tuple[str, ...] = ()  # keywords whose absence makes it a use
    without_positional: int = 0  # that many positional arguments are as good as the keyword
    most_positional: int = -1  # more positional arguments make it a use
    values: tuple[str, ...] = ()  # of a literal
    pattern: str = ""  # the whole literal
    position: int = 0  # of the argument from 1; 0: by name only
    anywhere: bool = False  # a string literal wherever it stands
    bases: tuple[str, ...] = ()  # of a class whose body is looked at
    shape: str = ""  # of a statement
    with_: dict[str, str] = msgspec.field(name="with", default_factory=dict)  # companion -> its versions
    versions: str = ""  # of Python
    pickled: str = ""  # the name under which a pickle holds the version that wrote it
    suffixes: tuple[str, ...] = ()  # of files that may be pickles
    package: str = ""  # when another package's version decides
    effect: str = ""  # when it differs from the advisory's
    broken: str | None = None
    warns: str | None = None


class Remedy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=False):
    """One way to move on; `text` says what cannot be written by a program."""

    kind: str
    names: dict[str, str] = {}  # old -> new
    values: dict[str, str | float] = {}  # old literal -> new
    prefix: tuple[str, ...] = ()  # old and new beginning of a literal
    drop: dict[str, bool | int | str] = {}  # keyword and value that the replaced call no longer has
    names_only: tuple[str, ...] = ()  # keywords it is about
    only: tuple[str, ...] = ()  # callables it is about; `*` fits anything
    text: str = ""
    says: str = ""
    to: str = ""
    specifier: str = ""
    needs: str = ""  # the requirement under which the new form works
    safety: str = "unsafe"


class Aliases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other names of the same package."""

    imports: tuple[str, ...] = msgspec.field(name="import", default=())
    conda: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # distributions that bring the same code


class Probe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Code that runs under the good version and shows the effect under the bad one."""

    code: str = ""
    good: str = ""
    bad: str = ""
    install: str = ""  # the distribution, when it is not the package itself
    requirements: tuple[str, ...] = ()
    no_deps: bool = False
    shows: str = ""  # part of the error under the bad version
    good_outcome: str = "passes"  # or `warns`
    good_not_run: str = ""  # the reason
    bad_not_run: str = ""
    not_run: str = ""


class Advisory(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str  # BC-SK-004
    package: str  # as indexes compare it
    title: str
    effect: str
    broken: str  # PEP 440; versions that have the effect
    warns: str = ""  # versions that announce it
    guidance: str = ""  # what to do, one sentence or two
    source: str
    aliases: Aliases = Aliases()
    match: tuple[Match, ...]
    fix: tuple[Remedy, ...] = ()
    probe: Probe = Probe()
    expires: date | None = None  # the day after which nobody needs to be told
    until: date | None = None  # the day by which projects should have moved

    @property
    def packages(self) -> tuple[str, ...]:
        return (self.package, *self.aliases.also, *self.aliases.conda)

    @property
    def modules(self) -> tuple[str, ...]:
        """Names under which code imports it."""
        return self.aliases.imports or (self.package.replace("-", "_"),)
