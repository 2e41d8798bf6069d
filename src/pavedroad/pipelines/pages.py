"""The pages of this room."""

from pavedroad.pipelines.compare_page import show_comparison
from pavedroad.pipelines.run_page import show_run
from pavedroad.web import Page

PAGES: tuple[Page, ...] = (
    Page(path="/runs/compare", template="pipelines/compare.html", view=show_comparison),
    Page(
        path="/runs/{run_id}",
        template="pipelines/run.html",
        view=show_run,
        parts={"live": "pipelines/_run_live.html", "group": "pipelines/_curves.html"},
    ),
)
