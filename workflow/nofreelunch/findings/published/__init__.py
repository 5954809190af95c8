"""What the published models show here: measures, claims of the papers, and their page."""
