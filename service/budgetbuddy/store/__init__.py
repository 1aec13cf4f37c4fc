"""What the service keeps: DynamoDB items, conditional writes, one transaction per command."""
