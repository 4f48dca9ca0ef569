"""The queue, what jobs do, and the process that does them."""
