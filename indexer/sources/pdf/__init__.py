"""PDF: pages, forms, comments, text recognition."""
