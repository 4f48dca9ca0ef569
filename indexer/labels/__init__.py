"""Labels in and out: the evidence for labelling, labels from anyone put to the test, an endpoint to ask."""
