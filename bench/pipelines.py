"""Pipeline runners side by side: the cost of a step, of a big value between steps, of running again."""

from __future__ import annotations

from pathlib import Path

from tools import Measured, Tool, measure
from workloads import CHAIN, FAN_OUT

HERE = Path(__file__).parent
BARE = Tool("bare Python", HERE / "ours" / "bare_steps.py")
OURS = Tool("Pavedroad", HERE / "ours" / "pavedroad_steps.py")
PEERS = (
    Tool("Dagster", HERE / "peers" / "dagster_steps.py", ("dagster", "pandas", "scikit-learn")),
    Tool("Metaflow", HERE / "peers" / "metaflow_steps.py", ("metaflow", "pandas", "scikit-learn")),
)
STEPS = {"chain": CHAIN, "fan_out": FAN_OUT + 1}


def section(*, quick: bool) -> str:
    """The Markdown section of docs/benchmarks.md."""
    repeats = 3 if quick else 7
    peer_repeats = 1 if quick else 3
    parts = [
        "## Pipelines",
        "",
        "Time of the pipeline call after imports; for Metaflow, which starts a process for each step, of the",
        "whole `run`. Medians; a first run has a store of its own, `again` finds the one of the run before.",
        "",
        "| | " + " | ".join(title for title, *_ in QUESTIONS) + " |",
        "|---" * (len(QUESTIONS) + 1) + "|",
    ]
    bare = {workload: measure(BARE, workload, repeats=repeats) for workload in ("frame", "model")}
    ours: list[float] = []
    for tool in (OURS, *PEERS):
        count = repeats if tool is OURS else peer_repeats
        cells, version = [], ""
        for at, (_, workload, warm) in enumerate(QUESTIONS):
            taken = measure(tool, workload, repeats=count, warm=warm)
            version = taken.version
            value = cost(taken, workload, bare)
            ours.append(value) if tool is OURS else None
            cells.append(show(value, workload, None if tool is OURS else value / ours[at]))
        parts.append(f"| {tool.name} {version} | " + " | ".join(cells) + " |")
    return "\n".join([*parts, "", footnote(bare)])


# Title, workload, warm
QUESTIONS = (
    (f"step, chain of {CHAIN}", "chain", False),
    ("the same again", "chain", True),
    (f"step, fan-out of {FAN_OUT}", "fan_out", False),
    ("the same again", "fan_out", True),
    ("200 MB frame between two steps, added", "frame", False),
    ("three-step scikit-learn pipeline again", "model", True),
)


def cost(taken: Measured, workload: str, bare: dict[str, Measured]) -> float:
    """Seconds a step; seconds more than plain calls for the frame; seconds in all for the model."""
    if workload in STEPS:
        return taken.seconds / (taken.steps or STEPS[workload])
    return taken.seconds - bare["frame"].seconds if workload == "frame" else taken.seconds


def show(seconds: float, workload: str, ratio: float | None) -> str:
    value = f"{seconds * 1000:.2f} ms" if workload in STEPS else f"{seconds:.2f} s"
    return value if ratio is None else f"{value} ({ratio:,.0f}x)"


def footnote(bare: dict[str, Measured]) -> str:
    frame, model = bare["frame"], bare["model"]
    return (
        f"Python {model.version}. As plain calls the frame takes {frame.seconds:.2f} s, the model "
        f"{model.seconds:.2f} s.\n"
        "Dagster runs in one process on its SQLite instance and file store, and skips nothing that has not\n"
        "changed; nor does Metaflow, whose chain is 10 steps and fan-out 20. In brackets: times Pavedroad's."
    )
