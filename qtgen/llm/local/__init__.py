"""Models on this machine: fetching the embedded one, and running a GGUF file."""
