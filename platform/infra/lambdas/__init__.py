"""Code of our Lambda functions: the standard library and the runtime's own boto3, nothing else."""
