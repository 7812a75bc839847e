"""The call as a ladder diagram without geometry."""
