"""The review desk: server-rendered pages on which people decide what the program only points at."""
