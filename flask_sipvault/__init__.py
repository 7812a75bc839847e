"""SIP VAULT for Flask: from a CDR row to the whole truth about a call, in one click."""

from .extension import SIPVault as SIPVault

__version__ = "0.1.0"
