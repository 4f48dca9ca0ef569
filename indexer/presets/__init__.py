"""Presets: written, as a file, taken in from one."""
