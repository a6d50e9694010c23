"""The world to raw items, and raw items to posts."""
