"""Work that goes on after its request was answered: a queue in our database, and the workers that run what is in it.

What the work is, rooms say: they enqueue by name, and hand their functions to whoever puts the process together.
"""
