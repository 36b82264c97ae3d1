"""The fictitious hospital: notes in Spanish, Swedish and English that were never about anyone."""
