"""Stateful stand-ins for the platforms, speaking their real HTTP APIs. Imports nothing else of this project."""
