"""What watches Refract from outside reads here: metrics of its requests, its processes and its database."""
