"""What a connector offers, and the four errors."""
