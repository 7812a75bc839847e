"""Who is logged in, of which customer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import cast
from typing import ParamSpec
from urllib.parse import urlsplit

from flask import abort
from flask import Blueprint
from flask import current_app
from flask import g
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for
from flask.typing import ResponseReturnValue
from werkzeug.security import check_password_hash
from werkzeug.security import generate_password_hash

from .database import connection

blueprint = Blueprint("accounts", __name__)

_Arguments = ParamSpec("_Arguments")

#: Compared with where there is no such user, so that a wrong name takes as long as a
#: wrong password.
_NOBODY = generate_password_hash("")


@dataclass(frozen=True)
class User:
    """Somebody who may see the calls of one customer."""

    name: str
    customer: str


def current_user() -> User | None:
    """The user that this request's session cookie speaks for."""
    if "user" not in g:
        row = connection().execute(
            "SELECT name, customer FROM users WHERE name = ?", [session.get("user")]
        )
        found = row.fetchone()
        g.user = User(**found) if found else None
    return cast("User | None", g.user)


def require_login() -> ResponseReturnValue | None:
    """Send whoever is not logged in to the login page, and back here afterwards."""
    if current_user() is not None:
        return None
    here = request.full_path if request.query_string else request.path
    return redirect(url_for("accounts.login", next=here))


def login_required(
    view: Callable[_Arguments, ResponseReturnValue],
) -> Callable[_Arguments, ResponseReturnValue]:
    """Lay :func:`require_login` over one view."""

    @wraps(view)
    def guarded(
        *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> ResponseReturnValue:
        refusal = require_login()
        return view(*args, **kwargs) if refusal is None else refusal

    return guarded


@blueprint.before_app_request
def refuse_other_sites() -> None:
    """Only pages of this site may change anything here.

    Browsers tell where a request comes from by Sec-Fetch-Site, those of before 2023 by
    Origin. A client that sends neither is no browser, so nobody's cookie is abused.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        allowed = site in ("same-origin", "none")
    else:
        allowed = origin is None or urlsplit(origin).netloc == request.host
    if not allowed:
        abort(403, "This form was sent from another site.")


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Ask for name and password."""
    target = _safe_path(request.values.get("next", ""))
    if request.method == "GET":
        if current_user() is not None:
            return redirect(target)
        return render_template("login.html", next=target, failed=False)
    name = request.form.get("name", "")
    row = connection().execute("SELECT password_hash FROM users WHERE name = ?", [name])
    found = row.fetchone()
    password_hash = found["password_hash"] if found else _NOBODY
    right = check_password_hash(password_hash, request.form.get("password", ""))
    if found is None or not right:
        current_app.logger.info("a login was refused")
        return render_template("login.html", next=target, failed=True), 401
    session.clear()
    session["user"] = name
    return redirect(target)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Forget who this is."""
    session.clear()
    return redirect(url_for("accounts.login"))


def _safe_path(target: str) -> str:
    """``target`` where it is a path of this site, else the list of calls.

    Browsers read ``//host`` and ``/\\host`` as another site, and drop tabs and line
    ends before they look.
    """
    outside = target[1:2] in ("/", "\\") or not target.isprintable()
    if not target.startswith("/") or outside:
        return url_for("cdrs.index")
    return target
