"""One search, from a request to its answer."""
