"""SIP VAULT for Flask: from a CDR row to the whole truth about a call, in one click."""

__version__ = "0.1.0"
