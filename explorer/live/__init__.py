"""The live socket: messages, one handler per component, and the arrays fetched over HTTP."""
