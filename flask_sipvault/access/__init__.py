"""By what right a call is opened: deep links, click tokens, shared links."""
