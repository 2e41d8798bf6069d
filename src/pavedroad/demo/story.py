"""The story `paved demo` tells: each chapter a few real commands and a sentence about what they show."""

from __future__ import annotations

import shlex
import shutil
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import msgspec

from pavedroad.demo.folder import PROJECT
from pavedroad.demo.project import (
    HELPER_AFTER,
    HELPER_BEFORE,
    HELPER_FILE,
    replace_once,
    write_first_draft,
)
from pavedroad.demo.shell import Shell
from pavedroad.kit.terminal import styled
from pavedroad.kit.text import count
from pavedroad.serving import drive, request_message

MODEL = "late-flights"
LOAD_REQUESTS = 400
LOAD_CONNECTIONS = 4


def tell_story(shell: Shell) -> str:
    """All chapters in order; the address of the pages. The servers it started go on in `shell`."""
    shell.say("From an empty folder to a gated, served model: a flight leaves New York;")
    shell.say("will it land more than 15 minutes late?")
    shell.say(f"Everything stays in {shell.folder}")
    make_project(shell)
    find_and_fix(shell)
    run_three_times(shell)
    crown_champion(shell)
    refuse_worse_candidate(shell)
    serve_champion(shell)
    return open_pages(shell)


def make_project(shell: Shell) -> None:
    shell.chapter(1, "A project that starts well")
    shell.tell("A template brings tests, a lock, an owner and gates. The flights' own steps go into it.")
    shell.run(f"paved new {PROJECT} --template pipeline --owner flights-team")
    write_first_draft(shell.folder / PROJECT)


def find_and_fix(shell: Shell) -> None:
    shell.chapter(2, "Practices, checked by reading")
    shell.tell("The first draft trains without a seed, so no two runs agree. The check can write the fix.")
    shell.run("paved check", inside=PROJECT, ends=1)
    shell.run("paved check --fix --unsafe", inside=PROJECT)


def run_three_times(shell: Shell) -> None:
    shell.chapter(3, "Run it, run it again, change a helper")
    shell.tell("336,776 flights, each joined to the last weather report before it left.")
    shell.run("paved run", inside=PROJECT)
    shell.tell("Nothing has changed, so nothing runs.")
    shell.run("paved run", inside=PROJECT)
    shell.tell(f"Now one line of {HELPER_FILE.name} becomes `{HELPER_AFTER}`. Only what it touches runs.")
    replace_once(shell.folder / PROJECT / HELPER_FILE, HELPER_BEFORE, HELPER_AFTER)
    shell.run("paved run", inside=PROJECT)
    shell.run("paved why last at_departure", inside=PROJECT)


def crown_champion(shell: Shell) -> None:
    shell.chapter(4, "A version, and the gates before it")
    shell.tell("A version becomes champion when every gate is open. Each answer is kept as evidence.")
    shell.run("paved register last", inside=PROJECT)
    shell.run(f"paved promote {MODEL}@1 --to champion", inside=PROJECT)


def refuse_worse_candidate(shell: Shell) -> None:
    shell.chapter(5, "A worse candidate is refused")
    shell.tell("A second model stops after 5 trees. It is measured on the same flights as the champion.")
    shell.run("paved run --iterations 5", inside=PROJECT)
    shell.run("paved register last", inside=PROJECT)
    shell.run(f"paved promote {MODEL}@2 --to champion", inside=PROJECT, ends=1)


def serve_champion(shell: Shell) -> None:
    shell.chapter(6, "The champion, served")
    ready = shell.start(f"paved serve {MODEL}@champion", inside=PROJECT)
    shell.tell(f"Its files match their digests; it answers at {ready['url']}. Ask it about a flight:")
    body = msgspec.json.encode(ready["example"])
    _ask(shell, ready["url"], body)
    port = urlsplit(ready["url"]).port
    assert port is not None
    load = drive(port, request_message(body), requests=LOAD_REQUESTS, concurrency=LOAD_CONNECTIONS)
    shell.tell(
        f"And under a short load: {count(load.requests, 'request')} over {load.concurrency} connections, "
        f"{count(load.errors, 'error')}, {load.requests / load.seconds:,.0f} a second, "
        f"half within {load.p50_ms:.1f} ms, 99 in 100 within {load.p99_ms:.1f} ms."
    )


def open_pages(shell: Shell) -> str:
    shell.chapter(7, "The whole history on one page")
    url = str(shell.start("paved up")["url"])
    shell.tell("The road, runs with their steps, gates with their evidence, lineage, the journal:")
    shell.say(f"\n  {styled(url, 'strong')}")
    return url


def _ask(shell: Shell, url: str, body: bytes) -> None:
    """Ask by curl as a person would, or as curl would where it is not installed."""
    address = f"{url}/invocations"
    line = f"curl -s {address} -H 'Content-Type: application/json' -d {shlex.quote(body.decode())}"
    if shutil.which("curl"):
        shell.run(line)
        return
    shell.say(f"\n{styled('$', 'dim')} {styled(line, 'strong')}")
    request = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"})  # noqa: S310 (our own http address)
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        shell.say(f"  {response.read().decode()}")


def summary(url: str, shell: Shell, seconds: float) -> dict[str, Any]:
    return {"url": url, "folder": str(shell.folder), "seconds": round(seconds, 1)}
