"""Known troubles of real systems, each shown on purpose, and gone without its cause.

`mini-kube reproduce NAME` runs an exhibit twice in a cluster of its own: with the cause
(a fault, or the behaviour of an older version) the symptom must show, and without it
everything must pass. docs/museum/ has a page for each.
"""
