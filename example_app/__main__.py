"""``python -m example_app [PORT] [--live]``: fill the viewer if empty, and serve it.

With ``--live`` there is a collector beside it, and a call that comes in.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys

from werkzeug.serving import make_server

from . import create_app
from . import fill
from . import live

HOST = "127.0.0.1"


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C. Returns the exit status."""
    numbers = [text for text in arguments if text != "--live"]
    flags = len(arguments) - len(numbers)
    if (
        len(numbers) > 1
        or flags > 1
        or not all(text.isascii() and text.isdigit() for text in numbers)
    ):
        usage = "usage: python -m example_app [PORT] [--live]"
        print(usage, file=sys.stderr)  # noqa: T201
        return 2
    port = int(numbers[0]) if numbers else 5000
    # Bound before anything else, so that a port that is taken costs no time.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except (OSError, OverflowError) as error:
            print(  # noqa: T201
                f"Cannot listen on {HOST}:{port}: {_reason(error)}."
                " Choose another port: make demo PORT=5001",
                file=sys.stderr,
            )
            return 1
        try:
            return _serve(listener, with_call=flags == 1)
        except live.LiveError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1


def _reason(error: OSError | OverflowError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _serve(listener: socket.socket, *, with_call: bool) -> int:
    app = create_app()
    if fill.is_empty(app):
        print("Filing the recorded calls …")  # noqa: T201
        fill.fill(app)
    host, port = listener.getsockname()
    server = make_server(host, port, app, threaded=True, fd=listener.fileno())
    print(  # noqa: T201
        f"\nOpen http://{host}:{port}/ and log in as acme (password acme)"
        " or globex (password globex). Ctrl-C stops.\n",
        flush=True,
    )
    # A line a request is for those who ask for it.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with contextlib.ExitStack() as ends:
        ends.callback(server.server_close)
        if with_call:
            call = ends.enter_context(live.LiveCall(app))
            print(  # noqa: T201
                f"A collector listens at {live.HOST}:{live.PORT}, and a call is coming"
                f" in: {call.call_id}.\nIts row is there for acme within half a minute;"
                " reload the list.\n",
                flush=True,
            )
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
