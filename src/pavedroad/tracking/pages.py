"""The pages of this room."""

from pavedroad.tracking.runs_page import show_runs
from pavedroad.web import Page

PAGES: tuple[Page, ...] = (Page(path="/runs", template="tracking/runs.html", view=show_runs),)
