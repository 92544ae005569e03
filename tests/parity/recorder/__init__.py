"""Drives real LlamaIndex and writes down what it answers; see ../README.md."""
