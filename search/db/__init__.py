"""PostgreSQL: connections, tables, locks, and listening for changes."""
