'use strict';
/*
 * Loaded before a server: tells the CPU time of the process when it is asked, microseconds, and before that switches its
 * witnesses on where the question has what the gate gives for that. They end by themselves when nobody reads their pipe any more.
 */
process.on('message', ({ preload, env }) => {
  if (preload !== undefined) {
    Object.assign(process.env, env);
    delete require.cache[preload];
    require(preload);
  }
  const { user, system } = process.cpuUsage();
  process.send({ value: user + system });
});
process.on('disconnect', () => process.exit());
process.send({ value: null });
