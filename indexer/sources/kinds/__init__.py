"""Readers of further kinds of files, a module each: bytes in, `Parsed` out."""
