"""What commands share: what they are given, how they print, and how they are loaded when asked for."""
