"""The long-running process: from capture agents to the vault, losing nothing.

What comes in on a connection (:mod:`~.intake`) is sorted by call (:mod:`~.sessions`),
kept on disk at once (:mod:`~.spool`), and written to the vault when its call is over
(:mod:`~.writer`). :mod:`~.pipeline` joins the four.
"""
