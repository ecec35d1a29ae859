"""Scripted containers: what a container answers when no real command is to be run."""
