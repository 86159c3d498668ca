"""Experiments: sweeps over many data sets, the store of their results, leaderboards."""
