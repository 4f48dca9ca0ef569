"""Reads what is asked, as text and as objects."""
