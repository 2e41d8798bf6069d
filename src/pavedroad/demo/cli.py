"""`paved demo`."""

from __future__ import annotations

from pathlib import Path

import click

from pavedroad.kit.terminal import json_option


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--exit", "leave", is_flag=True, help="Stop the servers and leave at the end.")
@json_option
def demo(folder: Path | None, leave: bool, as_json: bool) -> None:
    """Watch real data become a served, gated model.

    Takes every flight that left New York in 2013 down the whole road, offline, in under a minute. Everything
    it makes stays in FOLDER: this one when it is empty, else paved-demo.
    """
    import signal
    import time

    from pavedroad.demo.project import check_extra

    check_extra()  # before anything that needs it is imported

    from pavedroad.demo.folder import choose_folder, leave_mark, prepare
    from pavedroad.demo.shell import Shell
    from pavedroad.demo.story import summary, tell_story
    from pavedroad.kit.terminal import print_json

    place = choose_folder(folder)
    prepare(place)
    shell = Shell(place, say=(lambda text: None) if as_json else click.echo)
    started = time.monotonic()
    # The servers are ours: a polite end of the demo must be the end of them too.
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        url = tell_story(shell)
        seconds = time.monotonic() - started
        leave_mark(place)
        if as_json:
            print_json(summary(url, shell, seconds))
        shell.say(f"\nThe story took {seconds:.0f} s. To remove everything: rm -r {place}")
        if not leave:
            shell.say("The servers go on until Ctrl-C.")
            signal.pause()
    except KeyboardInterrupt:
        shell.say("")
    finally:
        shell.stop_servers()
