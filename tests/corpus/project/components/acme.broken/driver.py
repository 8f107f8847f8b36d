# The class that the spec names is missing.
