"""VeriStack Lab."""
