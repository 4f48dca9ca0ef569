"""Runs one search, from a request to its answer."""
