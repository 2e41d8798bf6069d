"""Pages for readers without a server: what the record says of projects, pipelines, models and services."""

from pavedroad.documents.model import Block, Document, Facts, Item, Items, Prose, Renderer, Section, Table

__all__ = ["Block", "Document", "Facts", "Item", "Items", "Prose", "Renderer", "Section", "Table"]
