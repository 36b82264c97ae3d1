"""Keys, signatures and whom to believe; every reader here refuses what it does not know."""
