"""A CDR list in Django. generate_link.py lies beside it."""

from django.http import HttpRequest
from django.http import HttpResponse
from django.http import HttpResponseRedirect
from django.template import Context
from django.template import Engine
from django.urls import path
from django.utils.safestring import mark_safe
from generate_link import sipvault_button
from generate_link import sipvault_link

CDRS = [{"caller": "alice", "call_id": "a1@example.com"}, {"caller": "bob"}]

TEMPLATE = Engine().from_string(
    "<table>{% for cdr in cdrs %}"
    "<tr><td>{{ cdr.caller }}</td><td>{{ cdr.button }}</td></tr>"
    "{% endfor %}</table>"
)


def cdr_list(request: HttpRequest) -> HttpResponse:
    # The button escapes what is in it; mark_safe keeps Django from doing so again.
    rows = [
        {**cdr, "button": mark_safe(sipvault_button(cdr.get("call_id")))}  # noqa: S308
        for cdr in CDRS
    ]
    return HttpResponse(TEMPLATE.render(Context({"cdrs": rows})))


def open_call(request: HttpRequest, number: int) -> HttpResponse:
    """Signs on the click: for lists that stay open longer than a link is good."""
    return HttpResponseRedirect(sipvault_link(CDRS[number]["call_id"]))


urlpatterns = [
    path("", cdr_list),
    path("open/<int:number>", open_call, name="open_call"),
]
