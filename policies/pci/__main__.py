"""Policy pack: PCI DSS v4.0.1."""

from pathlib import Path

from guardrails.pack import serve

serve("pci", Path(__file__).parent)
