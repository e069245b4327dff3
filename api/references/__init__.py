"""References: entries whose bytes stay where they are; who knows their schemes, how they are added, followed and distrusted."""
