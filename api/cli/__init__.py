"""The command line: `lading …`."""
