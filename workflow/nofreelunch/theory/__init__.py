"""Theory: what the spectrum of a target predicts before any network is trained."""
