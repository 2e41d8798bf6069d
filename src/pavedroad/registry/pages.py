"""The pages of this room."""

from pavedroad.registry.logged_model_page import show_logged_model
from pavedroad.registry.models_page import show_model, show_models
from pavedroad.registry.version_page import show_version
from pavedroad.web import Page

PAGES: tuple[Page, ...] = (
    Page(path="/models", template="registry/models.html", view=show_models),
    Page(path="/models/{name}", template="registry/model.html", view=show_model),
    Page(path="/models/{name}/{version}", template="registry/version.html", view=show_version),
    Page(path="/logged-models/{model_id}", template="registry/logged_model.html", view=show_logged_model),
)
