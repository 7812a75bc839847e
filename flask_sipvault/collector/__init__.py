"""The long-running process: from capture agents to the vault, losing nothing.

What comes in on a connection (:mod:`~.items`) is sorted by call
(:mod:`~.call_tracker`), kept on disk at once (:mod:`~.spool`), and written to the vault
when its call is over (:mod:`~.part_writer`). :mod:`~.pipeline` joins the four.
"""
