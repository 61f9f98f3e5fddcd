"""Small tasks inside the notebooks: a function of 5 to 15 lines, checked where it is written.

One module for each notebook holds its tasks. `registry` lists the modules, one line each.
"""
