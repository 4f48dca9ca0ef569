"""Events, kept in the order in which they happened, and webhooks that hear of them."""
