"""From documents to a live generation of a collection's index."""
