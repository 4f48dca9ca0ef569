"""Agents search by the Model Context Protocol. Its tools ask the JSON API, so that what a caller may see is
decided in one place."""
