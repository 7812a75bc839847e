"""Which call an item belongs to, and which calls are its legs."""
