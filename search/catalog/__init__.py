"""What is known of a collection's documents as a whole: their names, and what else is read of them all."""
