"""What a study finds: the table of its networks, comparisons between them, and tested claims."""
