"""The SIP messages."""
