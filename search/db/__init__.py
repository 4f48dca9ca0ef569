"""Speaks to PostgreSQL: connections, tables, locks, and listening for changes."""
