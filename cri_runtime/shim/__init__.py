"""The processes that fork: one launcher a runtime, one shim a pod sandbox.

Standard library only and single-threaded, so that forking is safe and cheap. The folder is run
as a program, `python -I -S .../cri_runtime/shim`; the runtime imports `protocol` alone.
"""
