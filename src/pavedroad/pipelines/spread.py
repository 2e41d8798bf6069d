"""`.map`: from one task to one per item, as soon as the number of items is known.

A map over another map's result waits for no barrier: each of its tasks waits for its own item only.
"""

from __future__ import annotations

from typing import Any

from pavedroad.errors import Invalid
from pavedroad.pipelines.tasks import From, Item, MapTask, Task
from pavedroad.pipelines.values.held import Held
from pavedroad.pipelines.values.model import LostValue
from pavedroad.pipelines.values.shelf import Shelf

LARGEST_MAP = 100_000
ROOM = 1_000_000  # positions of one node's items


def waits_for_spread(task: MapTask) -> list[MapTask]:
    """The maps whose number of items this one takes over."""
    sources = [task.arguments[name] for name in task.node.mapped]
    return [each.task for each in sources if isinstance(each, From) and isinstance(each.task, MapTask)]


def waits_for_result(task: MapTask) -> list[Task]:
    """The steps that give the lists."""
    sources = [task.arguments[name] for name in task.node.mapped]
    return [each.task for each in sources if isinstance(each, From) and not isinstance(each.task, MapTask)]


def spread(task: MapTask, shelf: Shelf) -> list[Task]:
    """The tasks of a map, not yet connected.

    Raises: Invalid when what it goes over are not lists of one length; LostValue, with `held`, when a list is
    gone.
    """
    lists = {name: _items(task, name, shelf) for name in task.node.mapped}
    sizes = {len(items) for items in lists.values()}
    if len(sizes) > 1:
        told = " and ".join(f"{name} with {len(items)}" for name, items in lists.items())
        raise Invalid(f"{task.name} goes over lists of different lengths: {told}", hint="make them equal")
    number = sizes.pop()
    if number > LARGEST_MAP:
        raise Invalid(
            f"{task.name} goes over {number:,} items",
            hint=f"give it at most {LARGEST_MAP:,}, in larger pieces",
        )
    children = []
    for place in range(number):
        arguments = {**task.arguments, **{name: items[place] for name, items in lists.items()}}
        position = task.position + place + 1
        children.append(Task(task.node, f"{task.name}[{place}]", position, arguments, part_of=task))
    return children


def claim_sources(task: Task) -> None:
    """Say that this task will take its sources, now or when they are there."""
    for _, source in task.sources():
        if isinstance(source, From) and source.task.held is None:
            source.task.claims.append(source.path)
        else:
            source.held.claim()


def give_up_sources(task: Task) -> None:
    """Say that it will not."""
    for _, source in task.sources():
        if isinstance(source, From) and source.task.held is None:
            source.task.claims.remove(source.path)
        else:
            source.held.give_up()


def connect(task: Task) -> None:
    """Let it wait for the sources that are not there yet."""
    for _, source in task.sources():
        if isinstance(source, From) and not source.task.is_done:
            task.waiting += 1
            source.task.dependents.append(task)


def _items(task: MapTask, name: str, shelf: Shelf) -> list[Any]:
    value = task.arguments[name]
    if not isinstance(value, From):
        return list(value)
    if isinstance(value.task, MapTask):
        return [From(child, ()) for child in value.task.children]
    held = value.held
    if held.items is not None:
        _check_items(held, shelf)
        return [Item(item, value.task, f"{value.shown}[{place}]") for place, item in enumerate(held.items)]
    items = held.fresh(shelf)
    if isinstance(items, str | bytes | dict) or not hasattr(items, "__iter__"):
        raise Invalid(
            f"{task.name} goes over the result of {value.shown}, which is a {type(items).__name__}",
            hint="return a list from that step",
        )
    return list(items)


def _check_items(held: Held, shelf: Shelf) -> None:
    """Before many tasks rely on the items, look whether all are whole: the step that made them is run again
    at once.
    """
    for item in held.items or ():
        if item.value.is_stored and not shelf.is_there(item.value, check=True):
            raise LostValue("an item of the list is gone").at(item)
