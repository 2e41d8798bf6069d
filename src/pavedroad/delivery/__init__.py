"""From a project or a model version to one file that can be shipped, after the project's own test stages."""

from pavedroad.delivery.model import Package, StageResult
from pavedroad.delivery.store import list_packages

__all__ = ["Package", "StageResult", "list_packages"]
