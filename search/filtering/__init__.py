"""Which passages a query allows: phrases, exclusions, values of metadata."""
