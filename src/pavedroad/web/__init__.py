"""The look: page, templates, style sheet, one short script."""

from pavedroad.web.page import Elsewhere, Page, Renderer, page_routes

__all__ = ["Elsewhere", "Page", "Renderer", "page_routes"]
