"""The pages of this room."""

from pavedroad.tracking import experiment_forms, run_forms
from pavedroad.tracking.experiments_page import show_experiment, show_experiments
from pavedroad.tracking.files_page import show_file
from pavedroad.tracking.metric_page import show_metric
from pavedroad.tracking.runs_actions import act_on_runs
from pavedroad.tracking.runs_page import show_runs
from pavedroad.web import Form, Page

PAGES: tuple[Page, ...] = (
    Page(
        path="/runs",
        template="tracking/runs.html",
        view=show_runs,
        parts={"columns": "tracking/_columns.html"},
    ),
    Page(path="/runs/{run_id}/metrics/{key:path}", template="tracking/metric.html", view=show_metric),
    Page(path="/experiments", template="tracking/experiments.html", view=show_experiments),
    Page(path="/experiments/{experiment_id}", template="tracking/experiment.html", view=show_experiment),
    Page(path="/files/{path:path}", template="tracking/file.html", view=show_file),
)
FORMS: tuple[Form, ...] = (
    Form(path="/runs/actions", act=act_on_runs),
    *run_forms.FORMS,
    *experiment_forms.FORMS,
)
