"""The command that brings an installation in line with its lock."""

from __future__ import annotations

_COMMANDS = {
    "uv": "uv sync",
    "poetry": "poetry sync",
    "pdm": "pdm sync --clean",
    "pipenv": "pipenv sync",
    "pylock": "uv pip sync {file}",
    "requirements": "uv pip sync {file}",
    "conda": "conda env update --prune -f {file}",
    "conda-explicit": "conda create -n NAME --file {file}",
    "conda-lock": "conda-lock install {file}",
    "pixi": "pixi install --locked",
}


def sync_command(kind: str, file: str) -> str:
    """In backticks, for a lock of this kind."""
    return f"`{_COMMANDS.get(kind, 'install from {file} again').format(file=file)}`"
