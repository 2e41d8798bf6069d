"""The pages of this room."""

from pavedroad.housekeeping.erase_page import show_erase
from pavedroad.web import Page

PAGES: tuple[Page, ...] = (Page(path="/runs/erase", template="housekeeping/erase.html", view=show_erase),)
