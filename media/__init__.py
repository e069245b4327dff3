"""Values that live in artifacts: tables, images, sounds and what else people look at. Each knows how to write itself as named
files and JSON, and how to be read again; what an artifact is, they do not know."""
