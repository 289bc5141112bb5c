"""Pages that show people: when they were there, how they looked, how sure that is."""
