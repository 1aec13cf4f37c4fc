"""Stand-in for the `awsx` component plugin: `awsx:ec2:Vpc` and nothing else."""
