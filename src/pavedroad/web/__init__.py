"""The look: page, form, templates, style sheet, one short script."""

from pavedroad.web.form import Form, form_routes
from pavedroad.web.page import Elsewhere, Page, Renderer, page_routes

__all__ = ["Elsewhere", "Form", "Page", "Renderer", "form_routes", "page_routes"]
