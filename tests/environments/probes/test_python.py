from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from pavedroad.environments import LockedPackage
from pavedroad.environments.probes.python import lock, python, wheels
from pavedroad.environments.python_ranges import is_allowed

if TYPE_CHECKING:
    from tests.environments.conftest import Made

Package = Callable[..., LockedPackage]
LIBC = b"\0GNU C Library (Debian GLIBC) stable release version 2.17, by Roland McGrath\n\0"
TORCH = "torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl"


def test_a_python_that_the_project_does_not_take_fails(made: "Made") -> None:
    (made.project / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = ">=3.12"\n')
    line = made.ask(python)
    assert line.verdict == "fail"
    assert line.says == "3.11.7 in .venv, but the project asks for >=3.12"
    assert "uv venv --python '>=3.12'" in line.next_step


def test_a_python_without_fixes_is_warned_of(made: "Made") -> None:
    old = made.machine.installation
    target = msgspec.structs.replace(old.target, python=(3, 8))
    made.change(installation=msgspec.structs.replace(old, python="3.8.20", target=target))
    assert "no security fixes since 2024-10-07" in made.ask(python).says


def test_what_projects_ask_for_is_read_in_every_spelling() -> None:
    assert is_allowed("3.11.7", "^3.10")
    assert not is_allowed("3.11.7", "^4.0")
    assert is_allowed("3.11.7", "3.11")
    assert not is_allowed("3.11.7", "3.12.*")
    assert is_allowed("3.11.7", "what nobody can read")


def test_a_project_without_lock_is_warned_of(made: "Made") -> None:
    assert made.ask(lock).verdict == "ok"
    (made.project / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert (made.ask(lock).verdict, made.ask(lock).next_step) == ("warn", "`uv lock`, and commit the file")


def test_an_installation_that_is_not_what_is_locked_is_warned_of(made: "Made", package: Package) -> None:
    made.lock(package("numpy", "2.1.0"), package("pandas", "2.2.3"))
    made.installed(numpy="2.0.0")
    line = made.ask(lock)
    assert line.says == "installed is not what uv.lock says: 1 different, 1 missing"
    assert line.details == ["numpy 2.0.0, locked 2.1.0", "pandas missing, locked 2.2.3"]
    made.installed(numpy="2.1.0", pandas="2.2.3")
    assert made.ask(lock).verdict == "ok"


def test_a_c_library_that_is_too_old_for_the_wheels_fails(made: "Made", package: Package) -> None:
    made.lock(package("torch", "2.15.0", TORCH))
    assert made.ask(wheels).verdict == "ok"
    made.file("lib/x86_64-linux-gnu/libc.so.6", LIBC)
    line = made.ask(wheels)
    assert line.verdict == "fail"
    assert line.details == ["torch 2.15.0: its wheels need glibc 2.28 or newer, not 2.17"]
    assert line.next_step == "use a newer base system, or lock older versions"


def test_the_c_library_is_also_asked_of_its_tool(made: "Made", package: Package) -> None:
    made.lock(package("torch", "2.15.0", TORCH))
    made.says("ldd", "ldd (GNU libc) 2.17")
    assert made.ask(wheels).verdict == "fail"


def test_what_has_to_be_compiled_is_warned_of(made: "Made", package: Package) -> None:
    wheel = "numpy-1.26.0-cp310-cp310-manylinux_2_17_x86_64.whl"
    made.lock(package("numpy", "1.26.0", wheel, "numpy-1.26.0.tar.gz"))
    line = made.ask(wheels)
    assert (line.verdict, line.details) == ("warn", ["numpy 1.26.0: its wheels are for cp310, not cp311"])
