"""The explorer: a page of every network and unit of a study, or of anyone's rate maps."""
