"""The daemon: `bridge run`. Wires the live engine, the schedule and the webserver, and sees to an orderly end."""
