"""The areas of the program: which components there are and how they are wired."""
