"""Policy pack: HIPAA Security Rule."""

from pathlib import Path

from guardrails.pack import serve

serve("hipaa", Path(__file__).parent)
