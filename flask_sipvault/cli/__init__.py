"""``flask sipvault …``: results on stdout, progress and complaints on stderr.

The exit status is 0, 1 for what failed, 2 for a command used wrongly.
"""

from __future__ import annotations

from flask.cli import AppGroup

from .collecting import collect_command
from .examining import doctor_command
from .generating import generator_command
from .importing import import_command
from .linking import link_command
from .linking import verify_command
from .opensips import opensips_command
from .pruning import prune_command
from .replaying import replay_command
from .showing import show_command

cli = AppGroup(
    "sipvault",
    help="Evidence of calls: collect, import, show and prune it, make and check links.",
)
cli.add_command(collect_command)
cli.add_command(doctor_command)
cli.add_command(generator_command)
cli.add_command(import_command)
cli.add_command(link_command)
cli.add_command(opensips_command)
cli.add_command(prune_command)
cli.add_command(replay_command)
cli.add_command(show_command)
cli.add_command(verify_command)
