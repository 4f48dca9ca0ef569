"""Dumps: written, checked, put back."""
