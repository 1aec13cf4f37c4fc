"""What the service decides: plain data and rules, without framework, database or network."""
