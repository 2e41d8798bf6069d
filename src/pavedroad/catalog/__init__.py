"""What exists, whose it is, what came from what, and what happened."""

from pavedroad.catalog.journal import read_facts, write_fact
from pavedroad.catalog.model import (
    EDGE_VERBS,
    KINDS,
    STAGES,
    Artifact,
    Edge,
    Fact,
    Ref,
    check_kind,
    check_name,
    check_stage,
    parse_ref,
)
from pavedroad.catalog.project import PROFILES, Project, find_project, read_project
from pavedroad.catalog.store import (
    add_edge,
    edges_of,
    edges_of_run,
    ensure_artifact,
    find_artifact,
    get_artifact,
    list_artifacts,
    set_details,
    set_owner,
    set_stage,
)

__all__ = [
    "EDGE_VERBS",
    "KINDS",
    "PROFILES",
    "STAGES",
    "Artifact",
    "Edge",
    "Fact",
    "Project",
    "Ref",
    "add_edge",
    "check_kind",
    "check_name",
    "check_stage",
    "edges_of",
    "edges_of_run",
    "ensure_artifact",
    "find_artifact",
    "find_project",
    "get_artifact",
    "list_artifacts",
    "parse_ref",
    "read_facts",
    "read_project",
    "set_details",
    "set_owner",
    "set_stage",
    "write_fact",
]
