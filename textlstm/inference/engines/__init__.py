"""inference/engines."""
