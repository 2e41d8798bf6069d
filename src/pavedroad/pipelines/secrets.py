"""Names that say: what is called so must not be shown or recorded."""

from __future__ import annotations

import re

MASKED = "***"
_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|(^|_)tokens?($|_)|api_?key|access_?key|private_?key|credential|(^|_)auth($|_)",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Whether a variable or parameter of this name may hold a secret: `db_password`, `API_TOKEN`."""
    return _SECRET.search(name) is not None
