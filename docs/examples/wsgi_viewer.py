"""A CDR list in plain WSGI. generate_link.py lies beside it."""

from generate_link import sipvault_button

CDRS = [{"caller": "alice", "call_id": "a1@example.com"}, {"caller": "bob"}]


def application(environ, start_response):
    rows = "".join(
        f"<tr><td>{cdr['caller']}</td><td>{sipvault_button(cdr.get('call_id'))}</td></tr>"
        for cdr in CDRS
    )
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [f"<table>{rows}</table>".encode()]
