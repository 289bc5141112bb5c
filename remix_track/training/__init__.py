"""ReMix training: pseudo labels, centroids, losses and pre-training, as functions that a loop puts together."""
