"""Google Cloud Storage as a store: `gs://bucket/prefix`."""
