"""What is added to a flag: regions, topics, threat rules, stages."""
