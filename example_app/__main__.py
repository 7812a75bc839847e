"""``python -m example_app [PORT]``: fill the viewer when it is empty, and serve it."""

from __future__ import annotations

import logging
import socket
import sys

from werkzeug.serving import make_server

from . import create_app
from . import fill

HOST = "127.0.0.1"


def main(arguments: list[str]) -> int:
    """Serve until Ctrl-C. Returns the exit status."""
    if len(arguments) > 1 or not all(
        text.isascii() and text.isdigit() for text in arguments
    ):
        print("usage: python -m example_app [PORT]", file=sys.stderr)  # noqa: T201
        return 2
    port = int(arguments[0]) if arguments else 5000
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
        return _serve(listener)


def _reason(error: OSError | OverflowError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _serve(listener: socket.socket) -> int:
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
    try:
        server.serve_forever()
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
