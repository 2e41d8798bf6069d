"""Searches over models and versions: tracking's filter language compiled to SQL, ordered, in pages.

Every name in a statement is one of ours and every value a parameter.
"""
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pavedroad.errors import Invalid
from pavedroad.kit.sql import Reader, Row
from pavedroad.registry import store
from pavedroad.registry.model import IS_PROMPT_TAG, ModelVersion, RegisteredModel
from pavedroad.tracking.filters import (
    ATTRIBUTE,
    TAG,
    Bound,
    Comparison,
    Vocabulary,
    column_sql,
    comparisons_of,
    parse_filter,
    parse_order,
    to_sql,
)
from pavedroad.tracking.search import check_max_results, make_page_token, read_page_token

MODELS_PER_PAGE, MOST_MODELS = 100, 1000
VERSIONS_PER_PAGE, MOST_VERSIONS = 10_000, 200_000
VERSIONS_PER_QUERY = 200  # whose tags and aliases are read with one statement
MODELS_PER_QUERY = 200

_KINDS = {
    **dict.fromkeys(("attribute", "attributes", "attr"), ATTRIBUTE),
    **dict.fromkeys(("tag", "tags"), TAG),
}
MODELS = Vocabulary(
    kinds=_KINDS,
    texts=("name",),
    numbers=("creation_timestamp", "last_updated_timestamp"),
    aliases={"timestamp": "last_updated_timestamp"},
    nullable=(TAG,),
)
VERSIONS = Vocabulary(
    kinds=_KINDS,
    texts=("name", "run_id", "source_path"),
    numbers=("version_number", "creation_timestamp", "last_updated_timestamp"),
    nullable=(TAG,),
)
_MODEL_COLUMNS = {
    "name": "m.name",
    "creation_timestamp": "m.created_ms",
    "last_updated_timestamp": "m.updated_ms",
}
_VERSION_COLUMNS = {
    "name": "v.name",
    "version_number": "v.version",
    "run_id": "v.run_id",
    "source_path": "v.source",
    "creation_timestamp": "v.created_ms",
    "last_updated_timestamp": "v.updated_ms",
}
_MODEL_TAGS = "SELECT 1 FROM registered_model_tags t WHERE t.name = m.name AND t.key = "
_VERSION_TAGS = "SELECT 1 FROM model_version_tags t WHERE t.uid = v.uid AND t.key = "


def search_models(
    reader: Reader,
    filter: str = "",  # noqa: A002  the language calls it so
    order_by: Sequence[str] = (),
    max_results: int = MODELS_PER_PAGE,
    page_token: str = "",
) -> tuple[list[RegisteredModel], str]:
    """One page of models, by name unless asked otherwise, and the token of the next ("" on the last).

    MLflow's prompts are models with a tag; they are left out unless the filter asks for them.
    Raises: Invalid for a filter, an order or a token it cannot read.
    """
    check_max_results(max_results, MOST_MODELS)
    offset, bound = read_page_token(page_token), Bound()
    where = _where(filter, MODELS, _MODEL_COLUMNS, _MODEL_TAGS, bound)
    order = _order(order_by, MODELS, _MODEL_COLUMNS, ["name ASC"])
    rows = reader.all(
        f"SELECT m.* FROM registered_models m WHERE {where} ORDER BY {order}"
        f" LIMIT {bound(max_results + 1)} OFFSET {bound(offset)}",
        **bound.values,
    )
    models = _with_tags(reader, rows[:max_results])
    return models, make_page_token(offset + max_results) if len(rows) > max_results else ""


def search_versions(
    reader: Reader,
    filter: str = "",  # noqa: A002
    order_by: Sequence[str] = (),
    max_results: int = VERSIONS_PER_PAGE,
    page_token: str = "",
) -> tuple[list[ModelVersion], str]:
    """One page of versions, last changed first unless asked otherwise, and the token of the next."""
    check_max_results(max_results, MOST_VERSIONS)
    offset, bound = read_page_token(page_token), Bound()
    where = _where(filter, VERSIONS, _VERSION_COLUMNS, _VERSION_TAGS, bound)
    order_by = order_by or ["last_updated_timestamp DESC"]
    order = _order(order_by, VERSIONS, _VERSION_COLUMNS, ["name ASC", "version_number DESC"])
    rows = reader.all(
        f"SELECT v.* FROM model_versions v WHERE {where} ORDER BY {order}"
        f" LIMIT {bound(max_results + 1)} OFFSET {bound(offset)}",
        **bound.values,
    )
    versions = with_names(reader, rows[:max_results])
    return versions, make_page_token(offset + max_results) if len(rows) > max_results else ""


def _with_tags(reader: Reader, rows: Sequence[Row]) -> list[RegisteredModel]:
    """The models of these rows with their tags and aliases, two statements for 200 of them."""
    models: list[RegisteredModel] = []
    for start in range(0, len(rows), MODELS_PER_QUERY):
        part = rows[start : start + MODELS_PER_QUERY]
        bound = Bound()
        places = ", ".join(bound(row["name"]) for row in part)
        tags: dict[str, dict[str, str]] = {}
        query = (
            f"SELECT name, key, value FROM registered_model_tags WHERE name IN ({places}) ORDER BY name, key"
        )
        for name, key, value in reader.tuples(query, **bound.values):
            tags.setdefault(name, {})[key] = value
        aliases: dict[str, dict[str, int]] = {}
        query = (
            "SELECT a.name, a.alias, v.version FROM model_aliases a JOIN model_versions v ON v.uid = a.uid"
            f" WHERE a.name IN ({places}) ORDER BY a.name, a.alias"
        )
        for name, alias, version in reader.tuples(query, **bound.values):
            aliases.setdefault(name, {})[alias] = version
        models += [
            store.model_from(row, tags=tags.get(row["name"], {}), aliases=aliases.get(row["name"], {}))
            for row in part
        ]
    return models


def latest_versions_of(reader: Reader, models: Sequence[RegisteredModel]) -> dict[str, list[ModelVersion]]:
    """By model, the last version of each stage, in order of their numbers."""
    found: dict[str, list[ModelVersion]] = {}
    for start in range(0, len(models), MODELS_PER_QUERY):
        bound = Bound()
        places = ", ".join(bound(model.name) for model in models[start : start + MODELS_PER_QUERY])
        last = "SELECT MAX(w.version) FROM model_versions w WHERE w.name = v.name AND w.stage = v.stage"
        rows = reader.all(
            f"SELECT v.* FROM model_versions v WHERE v.name IN ({places}) AND v.version = ({last})"
            " ORDER BY v.name, v.version",
            **bound.values,
        )
        for version in with_names(reader, rows):
            found.setdefault(version.name, []).append(version)
    return found


def with_names(reader: Reader, rows: Sequence[Row]) -> list[ModelVersion]:
    """The versions of these rows with their tags and aliases, two statements for 200 of them."""
    versions: list[ModelVersion] = []
    for start in range(0, len(rows), VERSIONS_PER_QUERY):
        part = rows[start : start + VERSIONS_PER_QUERY]
        bound = Bound()
        places = ", ".join(bound(row["uid"]) for row in part)
        tags: dict[str, dict[str, str]] = {}
        for row in reader.all(
            f"SELECT uid, key, value FROM model_version_tags WHERE uid IN ({places}) ORDER BY uid, key",
            **bound.values,
        ):
            tags.setdefault(row["uid"], {})[row["key"]] = row["value"]
        aliases: dict[str, list[str]] = {}
        for row in reader.all(
            f"SELECT uid, alias FROM model_aliases WHERE uid IN ({places}) ORDER BY uid, alias",
            **bound.values,
        ):
            aliases.setdefault(row["uid"], []).append(row["alias"])
        versions += [
            store.version_from(row, aliases=aliases.get(row["uid"], []), tags=tags.get(row["uid"], {}))
            for row in part
        ]
    return versions


def _where(text: str, words: Vocabulary, columns: Mapping[str, str], has_tag: str, bound: Bound) -> str:
    condition = parse_filter(text, words)

    def compare(comparison: Comparison, bound: Bound) -> str:
        field, operator, value = comparison.field, comparison.operator, comparison.value
        if field.kind == ATTRIBUTE:
            return f"({column_sql(columns[field.key], operator, value, bound)})"
        if field.key == IS_PROMPT_TAG and operator in ("=", "!="):
            asks_for_prompts = (operator == "=") == (str(value).lower() == "true")
            return prompts if asks_for_prompts else f"(NOT {prompts})"
        exists = has_tag + bound(field.key)
        if operator == "IS NULL":
            return f"(NOT EXISTS ({exists}))"
        if operator == "IS NOT NULL":
            return f"EXISTS ({exists})"
        return f"EXISTS ({exists} AND {column_sql('t.value', operator, value, bound)})"

    # Without a word about prompts only models are meant; a tag that says false is as good as none.
    prompts = f"EXISTS ({has_tag}{bound(IS_PROMPT_TAG)} AND LOWER(t.value) = 'true')"
    if condition is None:
        return f"(NOT {prompts})"
    where = to_sql(condition, compare, bound)
    asks = any(
        found.field.kind == TAG and found.field.key == IS_PROMPT_TAG for found in comparisons_of(condition)
    )
    return where if asks else f"{where} AND (NOT {prompts})"


def _order(
    order_by: Sequence[str], words: Vocabulary, columns: Mapping[str, str], last: Sequence[str]
) -> str:
    clauses: dict[str, str] = {}
    for text in order_by:
        order = parse_order(text, words)
        if order.field.kind != ATTRIBUTE:
            raise Invalid(f"Invalid order_by entity: {order.field.kind}", hint="order by an attribute")
        if order.field.key in clauses:
            raise Invalid(
                f"`order_by` contains duplicate fields: {list(order_by)}", hint="name each field once"
            )
        clauses[order.field.key] = f"{columns[order.field.key]} {'ASC' if order.ascending else 'DESC'}"
    for text in last:
        key, direction = text.split()
        clauses.setdefault(key, f"{columns[key]} {direction}")
    return ", ".join(clauses.values())
