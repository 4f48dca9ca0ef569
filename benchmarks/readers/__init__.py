"""What readers said of names beside passages, and what is learned from it."""
