"""Benchmarks: what the bridge must reach, measured on stand-ins of the platforms. `python -m bench` runs them all."""
