"""Repair: why a search failed, and what would put it right, tried before it is saved."""
