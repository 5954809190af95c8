"""The story of a study: one page for a reader who has not read the paper."""
