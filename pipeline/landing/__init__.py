"""What the sources gave and what we made of it, on disk: raw parts, quarantine, derived posts, near duplicates."""
