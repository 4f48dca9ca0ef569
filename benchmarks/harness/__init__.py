"""What the questions share: texts, judged collections, vectors, a server, metrics, reports."""
