from __future__ import annotations

import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.svc.web import routes, web_modules

LOAD_TESTS = (
    "locust", "molotov", "grpc_load", "vegeta", "artillery", "k6", "jmeter", "gatling", "pytest_benchmark",
)  # fmt: skip
_FILE = re.compile(
    r"(?:.*/)?(?:locustfile\.py|locust[^/]*\.(?:py|conf|toml)|[^/]*k6[^/]*\.[jt]s|[^/]*\.jmx|artillery[^/]*\.ya?ml|"
    r"[^/]*load[_-]?test[^/]*\.(?:py|js|ts|ya?ml|sh)|(?:.*[._-])?slos?(?:[._-][^/]*)?\.(?:ya?ml|md|toml|json))",
    re.IGNORECASE,
)


@rule("SVC605", "missing-latency-budget", since="0.1", production="warning", of_project=True)
def missing_latency_budget(project: Project) -> Iterator[Found]:
    """A prediction service says how fast it must answer.

    Why:
        A bigger model is more accurate and twice as slow; without a number written down, nobody can
        refuse it before customers wait.
    Bad:
        ```toml
        [tool.paved]
        kind = "service"
        ```
    Good:
        ```toml
        [tool.paved]
        kind = "service"

        [tool.paved.gates]
        latency = { p99_ms = 50 }
        ```
    Accepts:
        The gate latency in [tool.paved.gates], a load test (locust, k6, JMeter, Artillery, or a file
        named load_test), and a file of service level objectives (slo.yaml, OpenSLO).
    References:
        https://sre.google/sre-book/service-level-objectives/
    """
    if "latency" in project.settings.gates or any(_FILE.fullmatch(path) for path in project.files):
        return
    if any(name.partition(".")[0] in LOAD_TESTS for module in project.modules for name in module.imports):
        return
    for module in web_modules(project):
        for route in routes(module):
            if route.predicts:
                yield Found(
                    at=module.place(route.decorator.node),
                    says="nothing says how fast this service must answer",
                    hint="add latency = { p99_ms = 50 } to [tool.paved.gates], or a load test with a limit",
                )
                return
