"""``flask sipvault …``: results on stdout, progress and complaints on stderr.

The exit status is 0, 1 for what failed, 2 for a command used wrongly.
"""

from __future__ import annotations

from flask.cli import AppGroup

from .collect import collect_command
from .doctor import doctor_command
from .explain import explain_command
from .generator import generator_command
from .import_ import import_command
from .link import link_command
from .link import verify_command
from .opensips_cp import opensips_command
from .prune import prune_command
from .replay import replay_command
from .show import show_command

cli = AppGroup(
    "sipvault",
    help="Evidence of calls: collect, import, show and prune it, make and check links.",
)
cli.add_command(collect_command)
cli.add_command(doctor_command)
cli.add_command(explain_command)
cli.add_command(generator_command)
cli.add_command(import_command)
cli.add_command(link_command)
cli.add_command(opensips_command)
cli.add_command(prune_command)
cli.add_command(replay_command)
cli.add_command(show_command)
cli.add_command(verify_command)
