"""Sentences written for training: hostile words about groups, and the same words where they mean no harm.

Public tweets hold few groups, collected by keyword: a model trained on them alone hears the names of three or four
groups as half an insult, and is deaf to attacks on all others. Here every frame is filled with the same hundred names
of groups, so that a name alone weighs nothing and what is said decides (the manner of HateCheck, Röttger et al. 2021).
They share no sentence with `data/functional`, which is never read in training.
"""
