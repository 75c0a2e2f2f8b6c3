"""Pure-Python twins of the native core: written for reading, from the same RFCs, slow, and the oracle of its tests."""
