"""Measurements. Each module prints one table, saves its numbers as JSON, and can run beside a peer:

python -m benchmarks.NAME SHARED_DATA_FOLDER [options]
"""
