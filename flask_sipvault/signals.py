"""What the host is told while it happens, as Flask's own signals tell it.

The sender is the application. A receiver takes what it needs and ``**more``::

    from flask_sipvault import call_opened

    @call_opened.connect_via(app)
    def note(sender, *, user, customer_id, call_hash, **more):
        ...
"""

from __future__ import annotations

from blinker import Namespace

_signals = Namespace()

#: Somebody gets to see something of a call. It is sent when the answer is made and
#: before it leaves: if a receiver raises, the call is not shown.
#:
#: ``customer_id``; ``call_hash``: of the Call-ID, as in the path of its link; ``legs``:
#: a tuple of the hashes of the calls beside it; ``user``: as the host's identity names
#: it, None where nobody is logged in and for shared links; ``right``: ``link``,
#: ``share`` or ``click``; ``masked``; ``view``: what is shown, ``call_page`` or
#: ``report_file`` say; ``address``: where the request came from.
call_opened = _signals.signal("call-opened")

#: A link, a button's click or a shared link was not genuine, or not good any more.
#:
#: ``reason``: as :attr:`flask_sipvault.LinkError.reason`; ``right``, ``user``,
#: ``address`` as above; ``customer_id`` and ``call_hash``: what the request claimed,
#: None where it claimed nothing that can be one; ``failures``: how many came from this
#: address lately; ``limited``: whether they are too many, and were answered by 429.
call_refused = _signals.signal("call-refused")
