"""Records: JSON lines, tables, databases; a document each."""
