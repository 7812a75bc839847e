"""What the SIP messages of a call say."""
