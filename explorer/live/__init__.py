"""The live socket: wire messages, one session a connection, one decoder engine for them all."""
