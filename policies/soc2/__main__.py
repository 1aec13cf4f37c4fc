"""Policy pack: SOC 2 (Trust Services Criteria 2017)."""

from pathlib import Path

from guardrails.pack import serve

serve("soc2", Path(__file__).parent)
