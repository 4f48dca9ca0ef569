"""What people get with the answers of a search: marked words, facets, where a document is from."""
