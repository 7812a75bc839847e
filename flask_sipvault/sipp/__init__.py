"""A recorded call as scenarios that SIPp plays again: either side of it."""

from .scenario import scenario as scenario
from .script import NoScriptError as NoScriptError
from .script import Side as Side
from .script import sides as sides
