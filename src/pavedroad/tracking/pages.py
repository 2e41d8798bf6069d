"""The pages of this room."""

from pavedroad.tracking import run_forms
from pavedroad.tracking.files_page import show_file
from pavedroad.tracking.metric_page import show_metric
from pavedroad.tracking.runs_actions import act_on_runs, show_erase
from pavedroad.tracking.runs_page import show_runs
from pavedroad.web import Form, Page

PAGES: tuple[Page, ...] = (
    Page(
        path="/runs",
        template="tracking/runs.html",
        view=show_runs,
        parts={"columns": "tracking/_columns.html"},
    ),
    Page(path="/runs/erase", template="tracking/erase.html", view=show_erase),
    Page(path="/runs/{run_id}/metrics/{key:path}", template="tracking/metric.html", view=show_metric),
    Page(path="/files/{path:path}", template="tracking/file.html", view=show_file),
)
FORMS: tuple[Form, ...] = (Form(path="/runs/actions", act=act_on_runs), *run_forms.FORMS)
