"""What: the declarations of components and families, and the registry that reads them.

The package is also an entry-point target whose folders are data; importing it imports nothing else.
"""
