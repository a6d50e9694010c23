"""The room of text -> signals, and of the policy that makes a flag."""
