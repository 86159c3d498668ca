"""The predictor core: from what is known of a task and a candidate to mean and uncertainty."""
