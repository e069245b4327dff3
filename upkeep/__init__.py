"""Upkeep: what keeps a store and its catalogue in order. Nothing here moves bulk bytes."""
