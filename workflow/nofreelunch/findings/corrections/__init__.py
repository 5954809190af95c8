"""What in the talks rests on a unit, a formula or a count that is not what it is called."""
