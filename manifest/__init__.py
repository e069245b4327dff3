"""What an artifact is: digests, entries, paths, names and the document that holds them. Pure: no file, no network, no waiting."""
