"""The list of calls: one customer's rows of the table ``acc``."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from dataclasses import field
from datetime import date
from datetime import timedelta

from flask import Blueprint
from flask import render_template
from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from .accounts import current_user
from .accounts import login_required
from .database import connection

blueprint = Blueprint("cdrs", __name__)

PAGE_SIZE = 10


@dataclass(frozen=True)
class Search:
    """What the search form asks for; empty fields ask for nothing.

    :param problem: why a field could not be used, for the person who filled it in.
    """

    number: str = ""
    callid: str = ""
    code: str = ""
    since: str = ""
    until: str = ""
    problem: str = ""
    conditions: list[tuple[str, list[str]]] = field(default_factory=list)

    @classmethod
    def from_query(cls, query: MultiDict[str, str]) -> Search:
        """Read the form's fields out of the URL's query."""
        texts = {
            name: query.get(name, "").strip()
            for name in ("number", "callid", "code", "since", "until")
        }
        conditions: list[tuple[str, list[str]]] = []
        problem = ""
        if texts["number"]:
            like = f"%{_escape_like(texts['number'])}%"
            condition = "(caller_id LIKE ? ESCAPE '!' OR callee_id LIKE ? ESCAPE '!')"
            conditions.append((condition, [like, like]))
        if texts["callid"]:
            like = f"%{_escape_like(texts['callid'])}%"
            conditions.append(("callid LIKE ? ESCAPE '!'", [like]))
        if texts["code"]:
            conditions.append(("sip_code = ?", [texts["code"]]))
        for name, condition, later in (
            ("since", "time >= ?", 0),
            ("until", "time < ?", 1),
        ):
            if not texts[name]:
                continue
            try:
                day = date.fromisoformat(texts[name]) + timedelta(days=later)
            except (ValueError, OverflowError):
                problem = f"“{texts[name]}” is no date; write it as 2026-11-23."
            else:
                conditions.append((condition, [day.isoformat()]))
        return cls(**texts, problem=problem, conditions=conditions)

    @property
    def fields(self) -> dict[str, str]:
        """The filled-in fields, for the URL of another page of the same search."""
        names = ("number", "callid", "code", "since", "until")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


@dataclass(frozen=True)
class Page:
    """One page of a search's result."""

    rows: list[sqlite3.Row]
    total: int
    number: int

    @property
    def last(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.total // PAGE_SIZE))


def find(
    database: sqlite3.Connection, customer: str, search: Search, page: int
) -> Page:
    """The customer's calls that the search fits, the latest first."""
    clauses = ["customer = ?", *(clause for clause, _ in search.conditions)]
    values = [customer, *(text for _, texts in search.conditions for text in texts)]
    # Clauses are this module's own text; whatever a user wrote goes in as a value.
    where = " AND ".join(clauses)
    count = database.execute(f"SELECT count(*) FROM acc WHERE {where}", values)  # noqa: S608
    result = Page(rows=[], total=count.fetchone()[0], number=1)
    page = min(max(page, 1), result.last)
    rows = database.execute(
        f"SELECT * FROM acc WHERE {where}"  # noqa: S608
        " ORDER BY time DESC, id DESC LIMIT ? OFFSET ?",
        [*values, PAGE_SIZE, (page - 1) * PAGE_SIZE],
    )
    return Page(rows=rows.fetchall(), total=result.total, number=page)


@blueprint.get("/")
@login_required
def index() -> ResponseReturnValue:
    """List and search."""
    user = current_user()
    assert user is not None
    search = Search.from_query(request.args)
    page = find(
        connection(), user.customer, search, request.args.get("page", 1, type=int)
    )
    codes = connection().execute(
        "SELECT sip_code, max(sip_reason) AS sip_reason FROM acc"
        " WHERE customer = ? GROUP BY sip_code ORDER BY sip_code",
        [user.customer],
    )
    return render_template(
        "list.html", user=user, search=search, page=page, codes=codes.fetchall()
    )


def _escape_like(text: str) -> str:
    """``text`` as itself in a LIKE pattern with ``ESCAPE '!'``."""
    for special in "!%_":
        text = text.replace(special, "!" + special)
    return text
