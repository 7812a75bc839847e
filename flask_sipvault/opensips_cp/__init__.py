"""The SIP VAULT button in the CDR viewer of OpenSIPS Control Panel.

It is put into a tree that somebody else maintains, mostly a git clone. So what is put
in is marked, a template that is not as known is left alone, and everything comes out
again without a trace.
"""

from __future__ import annotations
