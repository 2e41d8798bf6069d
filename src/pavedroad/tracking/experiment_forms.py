"""What the page of an experiment lets a person do: its note, tags and name; make, delete, restore it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from pavedroad.kit.http import segment
from pavedroad.kit.sql import Transaction
from pavedroad.record import record_behind
from pavedroad.tracking import limits
from pavedroad.tracking.model import NOTE_TAG
from pavedroad.tracking.run_forms import check_note, check_own
from pavedroad.tracking.store import (
    create_experiment,
    delete_experiment,
    delete_experiment_tag,
    get_experiment,
    rename_experiment,
    restore_experiment,
    set_experiment_tag,
)
from pavedroad.web import Form
from pavedroad.web.form import Fields, field

LONGEST_NOTE = limits.EXPERIMENT_TAG_VALUE_LENGTH


def create(request: Request, fields: Fields) -> str:
    record, name = record_behind(request), field(fields, "name").strip()
    made = record.db.write(lambda tx: create_experiment(tx, name, who=record.settings.who))
    return f"/experiments/{made.id}"


def write_note(request: Request, fields: Fields) -> str:
    """The Markdown note; an empty one takes it away."""
    note = field(fields, "note").strip()
    check_note(note, LONGEST_NOTE)

    def work(tx: Transaction, experiment_id: str) -> None:
        if note:
            set_experiment_tag(tx, experiment_id, NOTE_TAG, note)
        elif NOTE_TAG in get_experiment(tx, experiment_id).tags:
            delete_experiment_tag(tx, experiment_id, NOTE_TAG)

    return _done(request, work)


def add_tag(request: Request, fields: Fields) -> str:
    """Add a tag, or give it another value."""
    key, value = field(fields, "key").strip(), field(fields, "value")
    check_own(key)
    return _done(request, lambda tx, number: set_experiment_tag(tx, number, key, value))


def remove_tag(request: Request, fields: Fields) -> str:
    key = field(fields, "key")
    check_own(key)
    return _done(request, lambda tx, number: delete_experiment_tag(tx, number, key))


def rename(request: Request, fields: Fields) -> str:
    name = field(fields, "name").strip()
    return _done(request, lambda tx, number: rename_experiment(tx, number, name))


def delete(request: Request, fields: Fields) -> str:
    """Can be undone: the experiment and its runs stay, marked as deleted."""
    who = record_behind(request).settings.who
    return _done(request, lambda tx, number: delete_experiment(tx, number, who=who))


def restore(request: Request, fields: Fields) -> str:
    who = record_behind(request).settings.who
    return _done(request, lambda tx, number: restore_experiment(tx, number, who=who))


def _done(request: Request, work: Callable[[Transaction, str], None]) -> str:
    experiment_id = request.path_params["experiment_id"]
    record_behind(request).db.write(lambda tx: work(tx, experiment_id))
    return f"/experiments/{segment(experiment_id)}"


FORMS: tuple[Form, ...] = (
    Form(path="/experiments", act=create),
    Form(path="/experiments/{experiment_id}/note", act=write_note),
    Form(path="/experiments/{experiment_id}/tags", act=add_tag),
    Form(path="/experiments/{experiment_id}/tags/remove", act=remove_tag),
    Form(path="/experiments/{experiment_id}/rename", act=rename),
    Form(path="/experiments/{experiment_id}/delete", act=delete),
    Form(path="/experiments/{experiment_id}/restore", act=restore),
)
