"""An opinion that is not ours: previews as Terraform plans, and the scanner that reads them."""
