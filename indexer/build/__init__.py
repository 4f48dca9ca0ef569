"""A build: from stored documents to a live generation."""
