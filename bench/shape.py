"""Print the shape of the code: sizes, public names, start-up times. Fails only on import cycles."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "pavedroad"


def function_lengths(tree: ast.AST) -> list[tuple[int, str]]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        (node.end_lineno - node.lineno + 1, node.name)
        for node in ast.walk(tree)
        if isinstance(node, functions) and node.end_lineno is not None
    ]


def median_ms(command: list[str], times: int = 9) -> float:
    measured = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        measured.append((time.perf_counter() - start) * 1000)
    return statistics.median(measured)


def print_sizes() -> None:
    files: list[tuple[int, Path]] = []
    functions: list[tuple[int, str]] = []
    for file in sorted(SOURCE.rglob("*.py")):
        if "templates" in file.parts:
            continue
        text = file.read_text("utf-8")
        files.append((text.count("\n"), file.relative_to(SOURCE)))
        functions += [
            (length, f"{file.relative_to(SOURCE)}:{name}")
            for length, name in function_lengths(ast.parse(text))
        ]
    lengths = sorted(length for length, _ in functions)
    sizes = [size for size, _ in files]
    print(f"files      {len(files)}, {sum(sizes):,} lines, median {statistics.median(sizes):.0f}")
    for size, file in sorted(files, reverse=True)[:5]:
        print(f"           {size:5} {file}")
    most = lengths[int(len(lengths) * 0.9)]
    print(
        f"functions  {len(lengths)}, median {statistics.median(lengths):.0f} lines, nine in ten under {most}"
    )
    for length, name in sorted(functions, reverse=True)[:5]:
        print(f"           {length:5} {name}")
    script = sum(file.read_text("utf-8").count("\n") for file in SOURCE.rglob("*.js"))
    print(f"script     {script} lines of JavaScript")


def print_start_up() -> None:
    python, paved = sys.executable, str(Path(sys.executable).parent / "paved")
    bare = median_ms([python, "-c", "pass"])
    print(f"start-up   python -c pass      {bare:6.0f} ms")
    print(f"           import pavedroad    {median_ms([python, '-c', 'import pavedroad']) - bare:+6.0f} ms")
    print(f"           paved --help        {median_ms([paved, '--help']):6.0f} ms")


def print_surface() -> None:
    import pavedroad

    names = [name for name in dir(pavedroad) if not name.startswith("_")]
    print(f"public     {len(names)} names: {', '.join(names)}")


def has_no_cycles() -> bool:
    result = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True
    )
    print(result.stdout.strip().splitlines()[-1] if result.returncode == 0 else result.stdout)
    return result.returncode == 0


if __name__ == "__main__":
    print_sizes()
    print_surface()
    print_start_up()
    sys.exit(0 if has_no_cycles() else 1)
