"""The config file: found, read, checked, with errors that name file, line, and what is allowed."""

from bridge.config.errors import ConfigError, Problem, did_you_mean
from bridge.config.load import Loaded, find, load, parse
from bridge.config.model import ChannelTable, Config

__all__ = ["ChannelTable", "Config", "ConfigError", "Loaded", "Problem", "did_you_mean", "find", "load", "parse"]
