from collections.abc import Callable
from typing import TYPE_CHECKING

from pavedroad.environments import LockedPackage
from pavedroad.environments.probe import Line
from pavedroad.environments.probes.tools import TOOLS, git, probe_of

if TYPE_CHECKING:
    from tests.environments.conftest import Made


def examine(made: "Made", name: str) -> Line:
    (tool,) = (tool for tool in TOOLS if tool.name == name)
    return made.ask(probe_of(tool))


def test_a_missing_tool_matters_only_where_it_is_used(made: "Made") -> None:
    assert examine(made, "terraform") == Line(
        check="terraform", verdict="ok", says="not installed; not used here"
    )
    (made.project / "main.tf").write_text("")
    line = examine(made, "terraform")
    assert (line.verdict, line.says, line.next_step) == (
        "warn",
        "not installed; used by main.tf",
        "install Terraform",
    )


def test_a_locked_package_can_need_a_tool(made: "Made", package: Callable[..., LockedPackage]) -> None:
    made.lock(package("pyspark", "3.5.0"))
    assert examine(made, "java").says == "not installed; used by pyspark"
    made.tool("java", "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2")
    assert examine(made, "java").says == "17.0.15; used by pyspark"


def test_a_tool_that_hangs_is_given_up_on_with_its_children(made: "Made") -> None:
    made.change(limit_s=0.2)
    made.tool("terraform", "/bin/sleep 60 & /bin/sleep 60")
    line = examine(made, "terraform")
    assert (line.verdict, line.says) == ("warn", "did not answer within 0.2 s")


def test_a_slow_tool_is_not_started_where_it_is_not_used(made: "Made") -> None:
    made.tool("gcloud", "/bin/touch $HOME/started")
    assert examine(made, "gcloud").says == "installed; this project does not use it"
    assert not (made.home / "started").exists()


def test_docker_without_its_daemon_is_told(made: "Made") -> None:
    (made.project / "Dockerfile").write_text("FROM python\n")
    made.tool("docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    assert "daemon does not run; used by Dockerfile" in examine(made, "docker").says
    made.tool("docker", "echo 'permission denied while trying to connect' >&2; exit 1")
    assert "group `docker`" in examine(made, "docker").next_step
    made.says("docker", "28.2.2")
    assert examine(made, "docker").says == "28.2.2; used by Dockerfile"


def test_git_says_what_is_missing(made: "Made") -> None:
    assert made.ask(git).next_step == "install git"
    made.tool("git", '[ "$1" = --version ] && echo git version 2.39.5 || exit 1')
    assert made.ask(git).says == "2.39.5; the project is not under version control"
    made.tool(
        "git", 'case "$*" in --version) echo git version 2.39.5;; *status*) echo " M a";; *) echo x;; esac'
    )
    assert made.ask(git).says == "2.39.5; 1 changed file not committed"
