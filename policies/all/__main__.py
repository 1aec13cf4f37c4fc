"""Policy pack: Every control of the catalogue."""

from pathlib import Path

from guardrails.pack import serve

serve(None, Path(__file__).parent)
