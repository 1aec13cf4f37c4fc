"""Stand-ins for the AWS providers, for the local stack and the tests."""
