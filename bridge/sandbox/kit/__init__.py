"""What every stand-in shares: clock, faults, the control door and transports."""
