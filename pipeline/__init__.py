"""Kentongan: early signals of hoaxes and hate speech around elections, for people to decide."""
