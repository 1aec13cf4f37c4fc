"""Policy pack: ISO/IEC 27001:2022."""

from pathlib import Path

from guardrails.pack import serve

serve("iso27001", Path(__file__).parent)
