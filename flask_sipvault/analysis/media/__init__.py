"""What was negotiated, sent, received and reported of a call's media."""
