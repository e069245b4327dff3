"""The command line: `lading …`."""

import gc

# Before anything else is imported: neither modules, which make half of these objects, nor entries by the ten thousand hold cycles
# worth looking for, and looking takes a twentieth of a short command.
gc.set_threshold(200_000, 20, 100)
