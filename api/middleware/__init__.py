"""What stands around every request, one module a concern."""
