"""Defines what goes out: the frozen records of the public contract."""
