"""A CDR list in FastAPI. generate_link.py lies beside it."""

from fastapi import FastAPI
from fastapi import HTTPException
from fastapi.responses import HTMLResponse
from fastapi.responses import RedirectResponse
from generate_link import sipvault_button
from generate_link import sipvault_link

app = FastAPI()

CDRS = [{"caller": "alice", "call_id": "a1@example.com"}, {"caller": "bob"}]


@app.get("/", response_class=HTMLResponse)
def cdr_list() -> str:
    rows = "".join(
        f"<tr><td>{cdr['caller']}</td><td>{sipvault_button(cdr.get('call_id'))}</td></tr>"
        for cdr in CDRS
    )
    return f"<table>{rows}</table>"


@app.get("/open/{number}")
def open_call(number: int) -> RedirectResponse:
    """Signs on the click: for lists that stay open longer than a link is good."""
    call_id = CDRS[number].get("call_id") if number < len(CDRS) else None
    if not call_id:
        raise HTTPException(404, "This row has no call.")
    return RedirectResponse(sipvault_link(call_id), status_code=303)
