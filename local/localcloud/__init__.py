"""All of it on one machine, without an AWS account."""
