"""Figures that the project promises, measured: one line each, `name value unit limit ok|short`.

Owns: the load, the measuring and the comparison with the limit. Does not own: any code that the
service needs to run. Everything here speaks to this machine only and stops by itself.
"""
