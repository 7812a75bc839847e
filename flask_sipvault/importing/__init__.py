"""Captures and log files into evidence."""
