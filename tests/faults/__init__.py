"""Faults on purpose: workers killed, paused and woken at named points and at random ones, databases restarted under them.

`workers.py` starts them, `points.py` names where, `adding.py` is a job whose result tells whether each unit of it happened
exactly once. A room that has jobs puts its tasks into `TASKS` of `worker_process.py` and checks an invariant of its own.
"""
