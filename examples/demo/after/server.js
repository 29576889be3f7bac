/** The same chat server after a careless change: 1.5 ms of work on every message. */
process.env.CHAT_WORK_MICROS = '1500';
await import('../../../dist/examples/chat-server.js');
