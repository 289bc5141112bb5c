"""`remix-track view [STORE | RUN ...]`: people of stores and runs in a browser, from a server on this machine."""

import argparse
import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import say, show_own_address
from remix_track.errors import InputError
from remix_track.setting_values import Limits, typed

if TYPE_CHECKING:
    from remix_track.server.access import Access

_RUNS = Path("runs/track")
_PORT = 8642
_LAST_ANSWERS = 2
"""Seconds that a browser gets for what it still loads when the server ends."""
_WHAT = (
    "People of stores and runs in a browser. The server listens on this machine only, unless --host says otherwise; "
    "then its address has a token, and whoever has the address sees the people. Ctrl-C ends it."
)


def run(words: Sequence[str]) -> int:
    """Serve until Ctrl-C; 0."""
    arguments = parser().parse_intermixed_args(words)
    port = typed(arguments.port, int | None, "--port", Limits(low=0, high=65535))

    from remix_track.extras import extra
    from remix_track.server.access import Access
    from remix_track.server.app import app
    from remix_track.server.library import Library

    uvicorn = extra("uvicorn", "view", "`remix-track view`")
    library = Library.of(arguments.what or [_RUNS], arguments.gt, arguments.weights)
    access = Access.to(arguments.host)
    made = app(library, access)
    with _listening(arguments.host, port) as listening:
        address = address_of(access, listening.getsockname()[1])
        config = uvicorn.Config(
            made, log_config=None, access_log=False, server_header=False, proxy_headers=False, ws="none",
            lifespan="off", timeout_graceful_shutdown=_LAST_ANSWERS, limit_concurrency=200,
        )  # fmt: skip
        show_own_address(address)
        if not arguments.quiet:
            say("Ctrl-C ends it")
        if arguments.open:
            import webbrowser

            webbrowser.open(address)
        # The server takes the signal, ends, and hands it on; that is how this command ends.
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    return 0


def address_of(access: "Access", port: int) -> str:
    """What to type into a browser."""
    host = socket.gethostname() if access.host in ("0.0.0.0", "::") else access.host
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={access.token}" if access.token else "")


def _listening(host: str, port: int | None) -> socket.socket:
    """A socket that listens; at the usual port, or any that is free, where the user named none."""
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host {host[:80]!r}: no address of this machine ({error})") from None
    wanted = [_PORT, 0] if port is None else [port]
    for place in wanted:
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, place))
            made.listen(128)
        except OSError as error:
            made.close()
            why = error.strerror or str(error)
            if place == wanted[-1]:
                raise InputError(f"--host {host[:80]} --port {place}: cannot listen there ({why})") from None
        else:
            return made
    raise AssertionError("the last port either listens or raises")


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = Parser(prog="remix-track view", description=_WHAT)
    add = made.add_argument
    add("what", metavar="STORE | RUN", type=Path, nargs="*",
        help=f"folders of stores and runs, or files in them (default: the runs in {_RUNS})")  # fmt: skip
    add("--gt", metavar="FILE | ROOT", type=Path,
        help="ground truth of the runs: a gt.txt, or the folder of sequences; they are scored by it")  # fmt: skip
    add("--weights", default="default",
        help="the store's network, for searches by a picture (default: that of remix-track)")  # fmt: skip
    add("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine only)")
    add("--port", type=int, help=f"port to listen at (default: {_PORT}, or a free one)")
    add("--open", action="store_true", help="open a browser there")
    add("--quiet", action="store_true", help="print nothing but the address")
    return made
