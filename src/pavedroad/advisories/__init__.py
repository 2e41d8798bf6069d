"""Upstream changes that break code: what they are, whom they concern, and how to move on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavedroad.advisories.telling import guidance_for_run, register_project

__all__ = ["guidance_for_run", "register_project"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: reading code is nothing that starting a command should wait for."""
    if name in __all__:
        from pavedroad.advisories import telling

        return getattr(telling, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
