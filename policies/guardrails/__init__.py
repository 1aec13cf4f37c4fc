"""Controls, frameworks, waivers and evidence; importable without side effects."""
