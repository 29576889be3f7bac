/** The example chat server, as it is before a change. */
await import('../../../dist/examples/chat-server.js');
