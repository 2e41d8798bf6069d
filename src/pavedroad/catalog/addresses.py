"""Where a page shows what a ref, a fact or an edge names."""

from __future__ import annotations

from pavedroad.catalog.model import Ref, find_ref
from pavedroad.kit.http import segment


def address_of(ref: Ref) -> str:
    return "/artifacts/" + "/".join(segment(part) for part in (ref.kind, ref.name, ref.version) if part)


def gates_address(ref: Ref) -> str:
    """The page with a model's versions, or with a version's gates; empty for what has none."""
    if ref.kind != "model":
        return ""
    return f"/models/{segment(ref.name)}" + (f"/{segment(ref.version)}" if ref.version else "")


def address_of_text(text: str, run_id: str = "") -> str:
    """Of the noun of a fact or an edge; empty for what has no page."""
    kind, _, rest = text.partition("/")
    if kind == "run":
        return f"/runs/{segment(rest)}"
    if kind == "experiment":
        return f"/runs?experiment={segment(rest)}"
    ref = find_ref(text)
    if ref is None:
        return f"/runs/{segment(run_id)}" if run_id else ""
    return gates_address(ref) or address_of(ref)
