"""What models, aliases and tags may be called. Bounds and key phrases are MLflow's."""

from __future__ import annotations

import re

from pavedroad.catalog import check_name
from pavedroad.errors import Invalid
from pavedroad.tracking import limits

ALIAS_LENGTH = 255
TAG_VALUE_LENGTH = 100_000
DESCRIPTION_LENGTH = 100_000
OTHER_ALIAS = "choose a word, such as champion or challenger"
_ALIAS = re.compile(r"[\w-]+")
_VERSION_ALIAS = re.compile(r"[vV]\d+")


def check_model_name(name: str, parameter: str = "name") -> str:
    """Raises Invalid for a name that MLflow or the catalog could not hold."""
    if not name.strip():
        raise limits.missing_value(parameter)
    check_separators(name)
    if name in (".", ".."):
        raise limits.invalid_value(parameter, name, "Names may be treated as files in certain cases.")
    return check_name(name)


def check_separators(name: str) -> None:
    """Also for a name that is asked for: one that no model can have is refused, not merely unknown."""
    if "/" in name or ":" in name:
        raise Invalid(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")


def check_alias(alias: str) -> str:
    """An alias that may be asked for."""
    if not alias:
        raise Invalid("Registered model alias name cannot be empty.")
    if not _ALIAS.fullmatch(alias):
        raise Invalid(
            f"Invalid alias name: '{alias}'. "
            "Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )
    limits.check_length("Registered model alias name", alias, ALIAS_LENGTH)
    return alias


def check_new_alias(alias: str) -> str:
    """An alias that may be given: not one that could be read as a version."""
    check_alias(alias)
    if alias.lower() == "latest":
        raise Invalid("'latest' alias name (case insensitive) is reserved.", hint=OTHER_ALIAS)
    if _VERSION_ALIAS.fullmatch(alias):
        raise Invalid(f"Version alias name '{alias}' is reserved.", hint=OTHER_ALIAS)
    return alias


def check_tag(key: str, value: str) -> None:
    limits.check_key(key, "key", "key")
    limits.check_length("value", value, TAG_VALUE_LENGTH)


def check_description(description: str) -> str:
    limits.check_length("description", description, DESCRIPTION_LENGTH)
    return description


def check_number(version: str) -> int:
    """A version number as the client sent it."""
    try:
        return int(version)
    except ValueError:
        raise Invalid(f"Parameter 'version' must be an integer, got '{version}'.") from None
