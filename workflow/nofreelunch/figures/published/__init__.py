"""Figures of the published models."""
