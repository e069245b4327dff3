"""The command line: `lading …`."""

import gc

# Before anything else is imported: neither modules nor entries by the ten thousand hold cycles worth looking for, and looking
# takes a twentieth of a short command.
gc.set_threshold(100_000, 20, 100)
