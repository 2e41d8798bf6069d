"""The look: page, templates, style sheet, one short script."""

from pavedroad.web.page import Page, Renderer, page_routes

__all__ = ["Page", "Renderer", "page_routes"]
