"""What tests of lading, and of stores for lading, are made of."""
