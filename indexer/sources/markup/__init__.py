"""Markdown, HTML and reStructuredText."""
