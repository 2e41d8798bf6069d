"""What the page of a run lets a person do: its note, tags and name; delete it, bring it back."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from pavedroad.errors import Conflict, Invalid
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Transaction
from pavedroad.record import record_behind
from pavedroad.tracking import limits
from pavedroad.tracking.model import ACTIVE, NOTE_TAG
from pavedroad.tracking.store import (
    delete_run,
    delete_tag,
    get_experiment,
    get_run,
    restore_run,
    set_tag,
    update_run,
)
from pavedroad.web import Form
from pavedroad.web.form import Fields, field

OWN_TAGS = ("mlflow.", "paved.")  # what programs say of a run; a person changes them through the API


def write_note(request: Request, fields: Fields) -> str:
    """The Markdown note; an empty one takes it away."""
    note = field(fields, "note").strip()
    check_note(note, limits.TAG_VALUE_LENGTH)

    def work(tx: Transaction, run_id: str) -> None:
        if note:
            set_tag(tx, run_id, NOTE_TAG, note)
        elif NOTE_TAG in get_run(tx, run_id).tags:
            delete_tag(tx, run_id, NOTE_TAG)

    return _done(request, work, at="note")


def add_tag(request: Request, fields: Fields) -> str:
    """Add a tag, or give it another value."""
    key, value = field(fields, "key").strip(), field(fields, "value")
    check_own(key)
    limits.check_length("value", value, limits.TAG_VALUE_LENGTH)
    return _done(request, lambda tx, run_id: set_tag(tx, run_id, key, value), at="tags")


def remove_tag(request: Request, fields: Fields) -> str:
    key = field(fields, "key")
    check_own(key)
    return _done(request, lambda tx, run_id: delete_tag(tx, run_id, key), at="tags")


def rename(request: Request, fields: Fields) -> str:
    name = field(fields, "name").strip()
    if not name:
        raise Invalid("a run needs a name", hint="give it one")
    limits.check_length("name", name, limits.KEY_LENGTH)
    return _done(request, lambda tx, run_id: update_run(tx, run_id, name=name))


def delete(request: Request, fields: Fields) -> str:
    """Can be undone: the run stays, marked as deleted."""
    who = record_behind(request).settings.who
    return _done(request, lambda tx, run_id: delete_run(tx, run_id, who=who))


def restore(request: Request, fields: Fields) -> str:
    who = record_behind(request).settings.who

    def work(tx: Transaction, run_id: str) -> None:
        experiment = get_experiment(tx, get_run(tx, run_id).experiment_id)
        if experiment.lifecycle_stage != ACTIVE:
            raise Conflict(
                f"run {run_id[:8]} belongs to {experiment.name!r}, which is deleted",
                hint="restore the experiment first",
            )
        restore_run(tx, run_id, who=who)

    return _done(request, work)


def check_note(note: str, limit: int) -> None:
    if len(note) > limit:
        raise Invalid(
            f"the note has {len(note):,} characters; MLflow keeps at most {limit:,}",
            hint="go back, shorten it, or log it as a file",
        )


def check_own(key: str) -> None:
    if not key:
        raise Invalid("a tag needs a name", hint="give it one")
    if key.startswith(OWN_TAGS):
        raise Invalid(f"tag {key!r} is kept by programs", hint="use a name without 'mlflow.' and 'paved.'")


def _done(request: Request, work: Callable[[Transaction, str], None], *, at: str = "") -> str:
    run_id = request.path_params["run_id"]
    record_behind(request).db.write(lambda tx: work(tx, run_id))
    return f"/runs/{segment(run_id)}" + (f"#{at}" if at else "")


FORMS: tuple[Form, ...] = (
    Form(path="/runs/{run_id}/note", act=write_note),
    Form(path="/runs/{run_id}/tags", act=add_tag),
    Form(path="/runs/{run_id}/tags/remove", act=remove_tag),
    Form(path="/runs/{run_id}/rename", act=rename),
    Form(path="/runs/{run_id}/delete", act=delete),
    Form(path="/runs/{run_id}/restore", act=restore),
)
