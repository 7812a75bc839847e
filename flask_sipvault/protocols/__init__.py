"""Bytes and their meaning: what the network and the agents send.

Nothing in here knows of Flask, of S3 or of a socket. Every parser either returns a
value or raises the error of its own module, whatever the bytes.
"""
