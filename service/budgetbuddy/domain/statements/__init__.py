"""Bank statement files (CSV and OFX) read into rows, each wrong row named by its line."""
