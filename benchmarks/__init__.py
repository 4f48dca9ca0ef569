"""Benchmarks measure, each in a module or a folder. They print one table, save its numbers as JSON, and can
run beside a peer; what they share is in `harness`.

python -m benchmarks.NAME SHARED_DATA_FOLDER [options]
"""
