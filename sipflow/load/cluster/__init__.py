"""Load on more than one machine, on dask.distributed (extra `cluster`).

dask carries the values of `sipflow.load.messages` between machines, knows who is there, and brings TLS. It decides
nothing: every engine is a task that is bound to its machine, and a task whose machine is gone is given up.
"""
