"""The RTCP reports."""
