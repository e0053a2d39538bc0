"""One file a command: read its options, call the library, print. Each holds a click command named `command`."""
