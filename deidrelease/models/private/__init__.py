"""DP-SGD, and the witnesses that watch whether it is what it says.

Opacus gives the gradient of every example; clipping, noise and sampling are done here in the open, and measured again
by code that shares nothing with what it watches. Where a measurement does not fit, no epsilon is stated.
"""
