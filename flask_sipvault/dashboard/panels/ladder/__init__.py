"""The SIP ladder."""
