"""gunicorn.conf.py: an access log that opens no call."""

import re

from gunicorn.glogging import Logger

#: A click and a shared link carry their key in the path.
KEY_IN_PATH = re.compile("(/sipvault/(?:open|shared)/)[^/]+")


class AccessLog(Logger):
    def atoms(self, resp, req, environ, request_time):
        atoms = super().atoms(resp, req, environ, request_time)
        atoms["U"] = KEY_IN_PATH.sub(r"\1-", atoms["U"])
        return atoms


logger_class = AccessLog
accesslog = "-"
# The path without its query: neither %(r)s nor %(q)s, and no %(f)s, the referrer.
access_log_format = '%(h)s %(u)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s "%(a)s"'
