"""A small CDR viewer with a SIP VAULT button in each row.

It stands for the application that a host already has: its own users, its own table of
calls, its own look. All that it does for SIP VAULT is in this file, and one line in
``templates/list.html``.
"""

from __future__ import annotations

from pathlib import Path

from flask import abort
from flask import Flask
from flask import has_request_context
from flask import render_template
from flask import request
from flask import Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from flask_sipvault import SIPVault

from . import accounts
from . import cdrs
from . import database
from . import fill
from . import keys

CUSTOMERS = ("acme", "globex")

#: No script at all, no style but the example's own file, no frame.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)

vault = SIPVault()


def create_app(instance_path: str | None = None) -> Flask:
    """The application, as ``flask --app example_app`` finds it.

    :param instance_path: the folder of its database, secrets and vault.
    """
    folder = Path(instance_path or Path(__file__).with_name("instance")).absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secrets = keys.load_or_create(folder / "keys.json", CUSTOMERS)
    app = Flask(__name__, instance_path=str(folder))
    app.config.from_mapping(
        DATABASE=str(folder / "cdr.sqlite"),
        SECRET_KEY=secrets.session,
        # Cookies do not tell ports of one host apart, so the name has to.
        SESSION_COOKIE_NAME="cdr_viewer",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SIPVAULT_CUSTOMER_ID=customer_of_request,
        SIPVAULT_CUSTOMERS=[
            {
                "id": customer,
                "bucket": customer,
                "secret": secrets.links[customer],
                "token": secrets.tokens[customer],
            }
            for customer in CUSTOMERS
        ],
        SIPVAULT_STORE=f"folder:{folder / 'vault'}",
        # The recordings are filed once, and stay to be seen.
        SIPVAULT_LOOKBACK_DAYS=3650,
    )
    # FLASK_SESSION_COOKIE_SECURE=true, where it is served by TLS.
    app.config.from_prefixed_env()
    database.init_app(app)
    app.register_blueprint(accounts.blueprint)
    app.register_blueprint(cdrs.blueprint)
    app.register_error_handler(HTTPException, error_page)
    app.after_request(set_security_headers)
    app.cli.add_command(fill.command)
    vault.init_app(app)
    return app


def customer_of_request() -> str:
    """The customer whose calls the logged-in user may open; nobody has none."""
    user = accounts.current_user() if has_request_context() else None
    return user.customer if user else ""


@vault.guard
def own_calls_only() -> ResponseReturnValue | None:
    """Calls are for logged-in users, and links of other customers for none of them."""
    refusal = accounts.require_login()
    if refusal is not None:
        return refusal
    if request.args.get("cid") not in (None, customer_of_request()):
        abort(404, "This call is not one of yours.")
    return None


@vault.identity
def user_of_request() -> str | None:
    """Whom a button was drawn for: it works for nobody else."""
    user = accounts.current_user()
    return user.name if user else None


def set_security_headers(response: Response) -> Response:
    """What every page of the viewer says; SIP VAULT's own pages have said theirs."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def error_page(error: HTTPException) -> ResponseReturnValue:
    """What went wrong, in the look of the viewer."""
    return render_template("error.html", error=error), error.code or 500
