"""The whole system in one process, platforms included: for `bridge demo`, benchmarks and the scenario tests."""
