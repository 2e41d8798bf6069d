"""The pages of this room."""

from pavedroad.registry.models_page import show_model, show_models
from pavedroad.registry.version_page import show_version
from pavedroad.web import Page

PAGES: tuple[Page, ...] = (
    Page(path="/models", template="registry/models.html", view=show_models),
    Page(path="/models/{name}", template="registry/model.html", view=show_model),
    Page(path="/models/{name}/{version}", template="registry/version.html", view=show_version),
)
