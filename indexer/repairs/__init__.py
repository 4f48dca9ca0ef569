"""Repairs: what people put right where searches fail, saved, listed and undone."""
