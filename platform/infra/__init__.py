"""What runs in AWS, as Pulumi components."""
