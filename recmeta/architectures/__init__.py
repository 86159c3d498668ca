"""Graph-shaped spaces: the cells of NAS-Bench-101 and -201, the autoencoder recommenders.

A module a space. A space samples, validates, encodes, mutates and lists neighbours of its
architectures, which are plain hashable values; nothing here trains or predicts.
"""
