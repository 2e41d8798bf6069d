"""The cache never answers with what old code, data or packages gave; it answers for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pavedroad.pipelines import keys
from pavedroad.pipelines.code import CodeFingerprint
from pavedroad.pipelines.running import PipelineRun

FLOW = """
from shop.prices import total
from shop.shapes import Square

@paved.step
def load(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()]

@paved.step
def price(amounts: list[int], *, extra: int = 1) -> int:
    return total(amounts) + extra

@paved.step
def area(side: int) -> int:
    return Square(side).area()

@paved.step
def both(one: int, other: int) -> tuple[int, int]:
    return one, other

@paved.pipeline
def main(file: Path = Path("data.txt"), side: int = 3) -> tuple[int, int]:
    one, other = both(price(load(file)), area(side))
    return one, other
"""
PRICES = """
from shop.rates import with_tax

def total(amounts):
    return sum(with_tax(amount) for amount in amounts)
"""
RATES = """
TAX = 2

def with_tax(amount):
    return amount * TAX
"""
SHAPES = """
class Shape:
    scale = 1

    def scaled(self, number):
        return number * self.scale

class Square(Shape):
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.scaled(self.side**2)
"""


@pytest.fixture
def shop(project, monkeypatch):
    project.write("flow.py", FLOW)
    project.write("shop/__init__.py", "")
    project.write("shop/prices.py", PRICES)
    project.write("shop/rates.py", RATES)
    project.write("shop/shapes.py", SHAPES)
    project.write("data.txt", "10\n20\n")
    monkeypatch.chdir(project.root)
    first = project.run()
    assert first.result == (61, 9)
    return project


def ran(run: PipelineRun) -> set[str]:
    return {step.name for step in run.steps if step.verdict != "hit"}


def test_a_second_run_takes_everything_from_the_cache(shop):
    again = shop.run()
    assert again.result == (61, 9)
    assert ran(again) == set()


def test_a_changed_helper_two_imports_away_reruns_what_uses_it(shop):
    shop.replace("shop/rates.py", "amount * TAX", "amount * TAX * 10")
    again = shop.run()
    assert again.result == (601, 9)
    assert ran(again) == {"price", "both"}


def test_a_changed_constant_reruns_what_uses_it(shop):
    shop.replace("shop/rates.py", "TAX = 2", "TAX = 3")  # same size, most likely in the same second
    again = shop.run()
    assert again.result == (91, 9)
    assert ran(again) == {"price", "both"}


def test_a_changed_base_class_reruns_what_uses_it(shop):
    shop.replace("shop/shapes.py", "scale = 1", "scale = 2")
    again = shop.run()
    assert again.result == (61, 18)
    assert ran(again) == {"area", "both"}


def test_a_changed_default_argument_reruns_the_step(shop):
    shop.replace("flow.py", "extra: int = 1", "extra: int = 2")
    again = shop.run()
    assert again.result == (62, 9)
    assert ran(again) == {"price", "both"}


def test_a_changed_data_file_reruns_what_reads_it(shop):
    (shop.root / "data.txt").write_text("10\n21\n")
    again = shop.run()
    assert again.result == (63, 9)
    assert ran(again) == {"load", "price", "both"}


def test_a_data_file_with_new_content_and_old_time_is_still_noticed(shop):
    import os

    file = shop.root / "data.txt"
    before = file.stat()
    file.write_text("11\n21\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert shop.run().result == (65, 9)


def test_a_changed_parameter_reruns_only_what_takes_it(shop):
    again = shop.run(side=4)
    assert again.result == (61, 16)
    assert ran(again) == {"area", "both"}


def test_going_back_to_old_code_finds_the_old_results(shop):
    shop.replace("shop/rates.py", "TAX = 2", "TAX = 3")
    shop.run()
    shop.replace("shop/rates.py", "TAX = 3", "TAX = 2")
    again = shop.run()
    assert again.result == (61, 9)
    assert ran(again) == set()


def test_a_step_that_ran_again_and_gave_the_same_spares_those_after_it(shop):
    shop.replace("shop/rates.py", "amount * TAX", "TAX * amount")
    again = shop.run()
    assert again.result == (61, 9)
    assert ran(again) == {"price"}


def test_a_comment_reruns_nothing(shop):
    shop.replace("shop/rates.py", "TAX = 2", "TAX = 2  # since 2013")
    assert ran(shop.run()) == set()


def test_code_that_no_step_uses_reruns_nothing(shop):
    shop.replace("shop/rates.py", "TAX = 2", "TAX = 2\nOTHER = 5\n\ndef unused():\n    return OTHER\n")
    assert ran(shop.run()) == set()


PACKAGE_FLOW = """
import nicepack

@paved.step
def use() -> int:
    return nicepack.VALUE

@paved.step
def other() -> int:
    return 7

@paved.pipeline
def main() -> tuple[int, int]:
    return use(), other()
"""


def test_a_new_package_version_reruns_what_imports_it(project):
    first, again = run_with_two_versions(project)
    assert first.result == (1, 7)
    assert again.result == (2, 7)
    assert ran(again) == {"use"}


def test_without_package_versions_in_the_key_the_old_result_would_come_back(project, monkeypatch):
    drop_code("package", monkeypatch)
    _, again = run_with_two_versions(project)
    assert again.result == (1, 7)


def run_with_two_versions(project) -> tuple[PipelineRun, PipelineRun]:
    package = project.root.parent / "site-packages"
    project.write("flow.py", PACKAGE_FLOW)
    with importable(package):
        write_package(package, "1.0", "VALUE = 1")
        first = project.run()
        assert ran(project.run()) == set()
    with importable(package):
        write_package(package, "1.1", "VALUE = 22 - 20")
        return first, project.run()


def drop_code(family: str | tuple[str, ...], monkeypatch) -> None:
    """Take one family of parts out of every key."""
    take = keys.fingerprint

    def without(function, **options):
        seen = take(function, **options)
        parts = {label: part for label, part in seen.parts.items() if not label.startswith(family)}
        packages = {} if family == "package" else seen.packages
        return CodeFingerprint(parts=parts, packages=packages, warnings=seen.warnings)

    monkeypatch.setattr(keys, "fingerprint", without)


@pytest.mark.parametrize(
    ("family", "file", "old", "new"),
    [
        ("function", "shop/rates.py", "amount * TAX", "amount * TAX * 10"),
        (("global", "value"), "shop/rates.py", "TAX = 2", "TAX = 3"),
        (("class", "value"), "shop/shapes.py", "scale = 1", "scale = 2"),
        ("function", "flow.py", "extra: int = 1", "extra: int = 2"),
    ],
)
def test_without_this_part_of_the_key_the_old_result_would_come_back(
    shop, monkeypatch, family, file, old, new
):
    """Proof that each of the tests above fails when its part is removed."""
    drop_code(family, monkeypatch)
    if file == "flow.py":  # the value of a default is an argument too: that part has to go as well
        drop_inputs("parameter extra", monkeypatch)
    assert shop.run(use_cache=False).result == (61, 9)
    shop.replace(file, old, new)
    assert shop.run().result == (61, 9)


@pytest.mark.parametrize("label", ["parameter file", "parameter side"])
def test_without_this_argument_in_the_key_the_old_result_would_come_back(shop, monkeypatch, label):
    drop_inputs(label, monkeypatch)
    assert shop.run(use_cache=False).result == (61, 9)
    (shop.root / "data.txt").write_text("1\n")
    stale = shop.run(side=9)
    assert stale.result == ((61, 81) if label == "parameter file" else (3, 9))


def test_without_the_inputs_in_the_key_the_old_result_would_come_back(shop, monkeypatch):
    drop_inputs("input", monkeypatch)
    assert shop.run(use_cache=False).result == (61, 9)
    assert shop.run(side=9).result == (61, 9)


def drop_inputs(label: str, monkeypatch) -> None:
    make = keys.KeyMaker.key

    def without(self, step, inputs):
        return make(self, step, {name: each for name, each in inputs.items() if not name.startswith(label)})

    monkeypatch.setattr(keys.KeyMaker, "key", without)


def write_package(folder: Path, version: str, text: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    (folder / "nicepack").mkdir(parents=True)
    (folder / "nicepack" / "__init__.py").write_text(text + "\n")
    info = folder / f"nicepack-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: nicepack\nVersion: {version}\n")
    (info / "RECORD").write_text("nicepack/__init__.py,,\n")
    (info / "top_level.txt").write_text("nicepack\n")


class importable:  # noqa: N801
    """The folder on sys.path, and its modules forgotten before and after."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __enter__(self) -> None:
        import sys

        sys.path.insert(0, self.folder)

    def __exit__(self, *_: object) -> None:
        import sys

        sys.path.remove(self.folder)
        sys.modules.pop("nicepack", None)


def test_a_module_that_a_step_fills_while_it_runs_costs_no_later_hit(project):
    """The first run's later steps see a filled memo, a rerun's an empty one: the keys are the same."""
    project.write(
        "memo.py", "SEEN = {}\n\ndef remember(number):\n    return SEEN.setdefault(number, number)\n"
    )
    project.write(
        "flow.py",
        """
        from memo import remember

        @paved.step
        def first() -> int:
            return remember(1)

        @paved.step
        def second(number: int) -> int:
            return remember(number + 1)

        @paved.pipeline
        def main() -> int:
            return second(first())
        """,
    )
    project.run()
    assert ran(project.run()) == set()
