"""Where bytes lie: immutable objects under string keys."""
