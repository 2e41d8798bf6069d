"""Making projects that start on the road: templates, filled in."""

from pavedroad.scaffold.project import NewProject, make_project
from pavedroad.scaffold.templates import TEMPLATES, Template

__all__ = ["TEMPLATES", "NewProject", "Template", "make_project"]
