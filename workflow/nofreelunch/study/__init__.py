"""Planning, without torch: a study file becomes sweeps, networks and cohorts, and their costs."""
