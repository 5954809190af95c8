"""Recurrent networks: cells, initial weights, and the stack of networks that run side by side."""
