"""The task of a network: the arena, walks through it, and the target that encodes position."""
