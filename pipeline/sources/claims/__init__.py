"""Where checked claims come from: fact-checkers' feeds, two APIs, Komdigi's lists, and files."""
