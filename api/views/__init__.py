"""What pages show: view models without routes or database."""
