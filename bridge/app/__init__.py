"""The only place that wires the parts together: config, store, connectors, engine. Commands and daemons call `App`."""

from bridge.app.app import App
from bridge.app.errors import AppError

__all__ = ["App", "AppError"]
