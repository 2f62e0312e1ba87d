"""What others may rely on in what the lab writes."""

VERDICT = {
    *("id", "base", "routing", "metric", "unit", "baseline", "attacked", "defended", "decoy"),
    *("honest_baseline", "honest_defended", "costs", "holds", "digest"),
}
"""The fields of a verdict as JSON; there may be more."""
