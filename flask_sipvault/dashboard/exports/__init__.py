"""The call as files: downloads, report, drawings."""
