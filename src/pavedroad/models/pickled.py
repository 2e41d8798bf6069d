"""Pickles of models, and which modules they will need when they are read again."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.errors import Invalid, MissingExtra, Refused, Unavailable

PROTOCOL = 5


class Pickled(msgspec.Struct, frozen=True, kw_only=True):
    format: str  # "pickle" or "cloudpickle", as MLflow calls them
    modules: frozenset[str]  # full names of the modules whose classes and functions the file names


def dump_model(model: Any, file: Path) -> Pickled:
    """Write `model` with pickle, or with cloudpickle when it holds what only that can write (a lambda, a
    class of `__main__`).

    Raises: Invalid when neither can.
    """
    try:
        with file.open("wb") as target:
            pickler = _Watching(target)
            pickler.dump(model)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return _dump_by_value(model, file, str(error))
    if "__main__" in pickler.modules:
        return _dump_by_value(model, file, "it holds something defined in the script itself")
    return Pickled(format="pickle", modules=frozenset(pickler.modules))


def load_pickle(file: Path, *, trusted: bool) -> Any:
    """Read a file of pickle or cloudpickle.

    Raises: Refused unless `trusted`, because reading a pickle runs code; Unavailable when a module is
    missing; Invalid when the bytes are not a pickle of this Python.
    """
    if not trusted:
        raise Refused(
            f"{file.name} is a pickle, which runs code when it is loaded, and no run on this record made it",
            hint="use --trust if you know where it comes from",
        )
    try:
        with file.open("rb") as source:
            return pickle.load(source)  # noqa: S301 (trusted, see above)
    except FileNotFoundError:
        raise Invalid(f"the model has no file {file.name}", hint="log the model again") from None
    except ModuleNotFoundError as error:
        raise _missing_module(error) from None
    except Exception as error:  # a damaged pickle can raise anything
        raise _unreadable(file, error) from error


def load_skops(file: Path, *, trusted: bool, allowed: list[str]) -> Any:
    """Read a file of skops; types beyond skops's own list are loaded only when `trusted`."""
    try:
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException
    except ImportError:
        raise MissingExtra("a model saved by skops", extra="mlflow") from None
    try:
        return skops.io.load(file, trusted=allowed if trusted else [])
    except UntrustedTypesFoundException as error:
        raise Refused(
            f"{file.name} holds types that skops does not know as safe: {error}",
            hint="use --trust if you know where it comes from, or log it with skops_trusted_types",
        ) from None
    except FileNotFoundError:
        raise Invalid(f"the model has no file {file.name}", hint="log the model again") from None
    except ModuleNotFoundError as error:
        raise _missing_module(error) from None
    except Exception as error:  # a damaged archive can raise anything
        raise _unreadable(file, error) from error


class _Watching(pickle.Pickler):
    """A pickler that remembers where the classes and functions come from."""

    def __init__(self, target: Any) -> None:
        super().__init__(target, protocol=PROTOCOL)
        self.modules: set[str] = set()

    def reducer_override(self, value: Any) -> Any:
        self.modules.add(_module_of(value))
        return NotImplemented


def _module_of(value: Any) -> str:
    if isinstance(value, type) or callable(value):
        named = getattr(value, "__module__", None)
        if isinstance(named, str):
            return named
    return type(value).__module__


def _dump_by_value(model: Any, file: Path, reason: str) -> Pickled:
    name = type(model).__name__
    hint = "define its classes and functions at the top of a module of the project"
    try:
        import cloudpickle
    except ImportError:
        file.unlink(missing_ok=True)
        raise Invalid(f"{name} cannot be pickled: {reason}", hint=f"{hint}, or install cloudpickle") from None

    class WatchingByValue(cloudpickle.Pickler):  # type: ignore[misc]
        def __init__(self, target: Any) -> None:
            super().__init__(target, protocol=PROTOCOL)
            self.modules: set[str] = set()

        def reducer_override(self, value: Any) -> Any:
            self.modules.add(_module_of(value))
            return super().reducer_override(value)

    try:
        with file.open("wb") as target:
            pickler = WatchingByValue(target)
            pickler.dump(model)
    except Exception as error:
        file.unlink(missing_ok=True)
        raise Invalid(f"{name} cannot be pickled: {error}", hint=hint) from error
    return Pickled(format="cloudpickle", modules=frozenset(pickler.modules | {"cloudpickle"}))


def _missing_module(error: ModuleNotFoundError) -> Unavailable:
    return Unavailable(
        f"the model needs the module {error.name!r}, which is not installed",
        hint="install what the model's requirements.txt lists",
    )


def _unreadable(file: Path, error: Exception) -> Invalid:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return Invalid(
        f"{file.name} cannot be loaded: {type(error).__name__}: {lines[0]}",
        hint="compare the installed packages with the model's requirements.txt",
    )
