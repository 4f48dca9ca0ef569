"""Keys, scopes, sessions, and who may do what."""
