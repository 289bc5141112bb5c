"""Training of the small person detector that comes with the package: drawn and pasted people, labels of a teacher."""
