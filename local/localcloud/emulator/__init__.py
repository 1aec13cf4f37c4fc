"""The embedded AWS: a ministack process on loopback."""
