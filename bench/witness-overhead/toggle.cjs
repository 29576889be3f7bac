'use strict';
/*
 * Loaded before a server: switches its witnesses on (a message with the environment that the gate gives), and tells the CPU
 * time of the process when it is asked. They end by themselves when nobody reads their pipe any more.
 */
process.on('message', ({ preload, env }) => {
  if (preload === undefined) {
    const { user, system } = process.cpuUsage();
    process.send(user + system);
    return;
  }
  Object.assign(process.env, env);
  delete require.cache[preload];
  require(preload);
});
