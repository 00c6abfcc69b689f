"""What is wrong with a document in so basic a way that nothing else about it can be checked."""


class TraceError(Exception):
    """A document or a kept result cannot be read as data; the text says where, what is allowed, and what to do."""
