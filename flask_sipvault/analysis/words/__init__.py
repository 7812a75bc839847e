"""Every sentence about a call, in the reader's language."""
