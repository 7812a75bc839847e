"""Evidence fit for strangers: who called whom from where, replaced by pseudonyms.

A masked message is written anew from what was read of the original. What is known to
tell nothing of anybody is kept; what names somebody gets a pseudonym; what is not known
is left out. So a header field that nobody here has heard of gives nothing away.
"""

from .evidence import mask as mask
from .evidence import mask_legs as mask_legs
