"""Evidence explained: what became of the call, message by message."""
