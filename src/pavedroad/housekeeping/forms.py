"""Permanent delete from a page: what was deleted before is erased, once the box is ticked."""

from __future__ import annotations

from starlette.requests import Request

from pavedroad.housekeeping.erase_page import act_erase
from pavedroad.housekeeping.erasing import erase_experiment
from pavedroad.record import record_behind
from pavedroad.web import Form
from pavedroad.web.form import Fields, confirmed


def erase(request: Request, fields: Fields) -> str:
    confirmed(fields)
    record = record_behind(request)
    erase_experiment(record.db, request.path_params["experiment_id"], who=record.settings.who)
    return "/experiments?view=deleted"


FORMS: tuple[Form, ...] = (
    Form(path="/experiments/{experiment_id}/erase", act=erase),
    Form(path="/runs/erase", act=act_erase),
)
