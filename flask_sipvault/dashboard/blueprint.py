"""The blueprint: its addresses, who guards them, and what every answer carries."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint
from flask import g
from flask import request
from flask import Response
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import InternalServerError
from werkzeug.exceptions import MethodNotAllowed

from ..access.links import LinkError
from ..language import _
from ..language import language_tag
from ..language import ngettext
from ..language import SOURCE_LANGUAGE
from ..language import speak
from ..sipp import NoScriptError
from ..vault.objects import StoreError
from . import errors
from . import partials as fragments
from . import views
from .access import by_link
from .access import by_share
from .access import View
from .audit import Right
from .exports.downloads import call_schema
from .exports.downloads import FILES
from .js_messages import script_words
from .negotiation import readers_language
from .panels.findings.catalogue import catalogue
from .panels.findings.catalogue import catalogue_entry
from .panels.sharing import view as share_views
from .state import state

logger = logging.getLogger(__name__)

_STATIC = Path(__file__).parent / "static"

#: What the page of a call fetches when it is wanted.
_PIECES = {
    "ladder": fragments.ladder_piece,
    "messages": fragments.message_piece,
    "logs": fragments.log_piece,
    "compare": fragments.compare,
    "live": views.live,
}

#: What a link opens, by the end of its address; a shared link opens the same.
_OPENED: dict[str, View] = {
    "": views.call_page,
    **{f"/{name}": view for name, view in (FILES | _PIECES).items()},
}

_LINK = "/call/<call_hash>"
_SHARED_LINK = "/sipvault/shared/<token>"

#: What stands in a query for itself (RFC 3986 section 3.4), and the percent sign.
_QUERY = "%!$&'()*+,;=:@/?-._~"

_READING_METHODS = ["GET", "HEAD", "OPTIONS"]
_CHANGING_METHODS = ["POST", "PUT", "PATCH", "DELETE"]
_SHARING_METHODS = ["GET", "HEAD", "OPTIONS", "POST"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " connect-src 'self'; font-src 'self'; base-uri 'none'; frame-ancestors 'none';"
)


def create_blueprint() -> Blueprint:
    """A blueprint for one app.

    All of it but ``/call/…``, which is the original product's address, lies under
    ``/sipvault/``, so that it hides nothing of the host's.
    """
    blueprint = Blueprint(
        "sipvault",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/sipvault/static",
    )
    rules: list[tuple[str, str, Callable[..., ResponseReturnValue]]] = [
        ("/sipvault/open/<token>", "open_click", views.open_click),
        ("/sipvault/call.schema.json", "call_schema", call_schema),
        ("/sipvault/findings", "catalogue", catalogue),
        ("/sipvault/findings/<name>", "catalogue_entry", catalogue_entry),
    ]
    for end, opened in _OPENED.items():
        name = "call" if not end else opened.__name__
        noted = opened not in _PIECES.values()
        rules.append((f"{_LINK}{end}", name, by_link(opened, noted=noted)))
        shared = by_share(opened, noted=noted)
        rules.append((f"{_SHARED_LINK}{end}", f"shared_{name}", shared))
    for rule, endpoint, view in rules:
        blueprint.add_url_rule(rule, endpoint, view)
        # Without this, the host's page would answer the methods that we do not take.
        wrong = "wrong_method"
        if endpoint.startswith("shared_"):
            wrong = f"shared_{wrong}"
        blueprint.add_url_rule(rule, wrong, _wrong_method, methods=_CHANGING_METHODS)
    blueprint.add_url_rule(
        f"{_LINK}/share",
        "share",
        by_link(share_views.share, noted=True),
        methods=_SHARING_METHODS,
    )
    others = [method for method in _CHANGING_METHODS if method != "POST"]
    blueprint.add_url_rule(
        f"{_LINK}/share", "wrong_method", _wrong_method, methods=others
    )

    version = _static_version()

    @blueprint.context_processor
    def what_templates_need() -> dict[str, object]:
        # A host's layout may show what is for its users only.
        ours = _is_shared() or _is_catalogue()
        base = None if ours else state().settings.base_template
        return {
            "sipvault_base_template": base or "sipvault/base.html",
            "sipvault_embedded": base is not None,
            "sipvault_version": version,
            "sipvault_language": language_tag(),
            "sipvault_script_words": script_words,
            # Not "_": a host's layout has its own, with its own catalogue.
            "sv_": _,
            "sv_n": ngettext,
        }

    blueprint.before_request(_quote_the_query)
    blueprint.before_request(_speak_to_the_reader)
    blueprint.before_request(_ask_the_host)
    blueprint.after_request(_secure)
    blueprint.teardown_request(_stop_speaking)
    blueprint.register_error_handler(LinkError, _link_refused)
    blueprint.register_error_handler(errors.CallNotFoundError, _call_not_found)
    blueprint.register_error_handler(errors.MessageNotFoundError, _message_not_found)
    blueprint.register_error_handler(errors.LegNotFoundError, _leg_not_found)
    blueprint.register_error_handler(errors.NoEntryError, _no_entry)
    blueprint.register_error_handler(errors.NotSharedError, _not_shared)
    blueprint.register_error_handler(NoScriptError, _no_scenario)
    blueprint.register_error_handler(StoreError, _store_down)
    blueprint.register_error_handler(errors.BusyError, _busy)
    blueprint.register_error_handler(MethodNotAllowed, _method_not_allowed)
    blueprint.register_error_handler(InternalServerError, _broken)
    return blueprint


def _static_version() -> str:
    """Changes with the static files, so that a browser never mixes two releases."""
    digest = hashlib.sha256()
    for path in sorted(_STATIC.glob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def _about_no_call() -> tuple[str, str]:
    """What anybody may have: every installation has the same."""
    return f"{request.blueprint}.static", f"{request.blueprint}.call_schema"


def _is_catalogue() -> bool:
    """Whether the catalogue of findings is asked for: whoever may see a call, by a
    shared link say, may read what a finding means.
    """
    names = (f"{request.blueprint}.catalogue", f"{request.blueprint}.catalogue_entry")
    return request.endpoint in names


def _is_shared() -> bool:
    """Whether a shared link is to be opened."""
    return (request.endpoint or "").startswith(f"{request.blueprint}.shared_")


def _quote_the_query() -> None:
    """Bytes in a query that are no ASCII should have been percent-encoded. Werkzeug
    reads them as UTF-8, and fails where they are not that.
    """
    if not request.query_string.isascii():
        quoted = quote(request.query_string, safe=_QUERY)
        request.query_string = quoted.encode("ascii")


def _speak_to_the_reader() -> None:
    """Files are for programs, or for whoever the reader sends them to."""
    if request.endpoint not in _about_no_call() and not _is_file():
        speak(readers_language(state().settings.language))


def _stop_speaking(_error: BaseException | None) -> None:
    speak(SOURCE_LANGUAGE)


def _ask_the_host() -> ResponseReturnValue | None:
    """The host's guard comes before everything that is about a call."""
    if request.endpoint in _about_no_call():
        return None
    # Those who have a shared link are not the host's users; the link is their right.
    unguarded = _is_shared() or _is_catalogue()
    answer = None if unguarded else state().run_guard()
    # Only now is the answer ours; what a guard answers or raises is the host's page.
    g._sipvault_answers = answer is None
    return answer


def _secure(response: Response) -> Response:
    """Lock our pages down. What the host sets afterwards, on its app, wins."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.endpoint in _about_no_call():
        return response
    # The address is the key to the call: it must not stay in caches or go to others.
    headers.setdefault("Cache-Control", "private, no-store")
    # A form that sends no referrer sends no origin either, and could not be told from
    # one of another site.
    sharing = request.endpoint == f"{request.blueprint}.share"
    headers.setdefault("Referrer-Policy", "same-origin" if sharing else "no-referrer")
    if g.get("_sipvault_answers"):
        if request.method == "OPTIONS":
            headers["Allow"] = ", ".join(_READING_METHODS)
        # A host's own layout may hold its forms: searching, logging out.
        embedded = state().settings.base_template is not None
        posts = sharing or (embedded and not _is_shared())
        forms = "form-action 'self'" if posts else "form-action 'none'"
        headers.setdefault("Content-Security-Policy", f"{_POLICY} {forms}")
    return response


def _wrong_method(**_parts: str) -> ResponseReturnValue:
    raise MethodNotAllowed(valid_methods=_READING_METHODS)


def _is_file() -> bool:
    """Whether a download was asked for, so that JSON is the likelier wish."""
    return request.path.rpartition("/")[2] in FILES


def _link_refused(error: LinkError) -> Response:
    right: Right = "share" if _is_shared() else "link"
    if request.endpoint == f"{request.blueprint}.open_click":
        right = "click"
    failure = state().audit.refused(error, right)
    if failure is None or not failure.limited:
        return errors.answer(errors.of_link(error), for_programs=_is_file())
    response = errors.answer(errors.of_failures(), for_programs=_is_file())
    response.headers["Retry-After"] = str(failure.retry_after)
    return response


def _call_not_found(error: errors.CallNotFoundError) -> Response:
    return errors.answer(errors.of_missing_call(error), for_programs=_is_file())


def _message_not_found(error: errors.MessageNotFoundError) -> Response:
    return errors.answer(errors.of_missing_message(error))


def _leg_not_found(error: errors.LegNotFoundError) -> Response:
    return errors.answer(errors.of_missing_leg(), for_programs=_is_file())


def _no_entry(error: errors.NoEntryError) -> Response:
    return errors.answer(errors.of_missing_entry())


def _not_shared(error: errors.NotSharedError) -> Response:
    return errors.answer(errors.of_sharing(error))


def _no_scenario(error: NoScriptError) -> Response:
    return errors.answer(errors.of_missing_scenario(error), for_programs=True)


def _store_down(error: StoreError) -> Response:
    logger.error("the vault's store cannot be reached: %s", error)
    response = errors.answer(errors.of_store(), for_programs=_is_file())
    response.headers["Retry-After"] = str(errors.RETRY_AFTER)
    return response


def _busy(_error: errors.BusyError) -> Response:
    response = errors.answer(errors.of_busy(), for_programs=_is_file())
    response.headers["Retry-After"] = str(errors.RETRY_AFTER_BUSY)
    return response


def _method_not_allowed(error: MethodNotAllowed) -> Response:
    response = errors.answer(errors.of_method(), for_programs=_is_file())
    response.headers["Allow"] = ", ".join(error.valid_methods or ())
    return response


def _broken(error: InternalServerError) -> Response:
    # Flask has logged the cause.
    return errors.answer(errors.of_bug(), for_programs=_is_file())
