/**
 * An AbortSignal that fires on SIGINT, SIGTERM and SIGHUP, with the signal's name as its reason. A second signal
 * ends the process at once, after `lastResort`, which must be synchronous.
 */
export const terminationSignal = (lastResort: () => void): AbortSignal => {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      // The runner sends SIGTERM 7.5 s after SIGINT: by then an orderly end has failed.
      lastResort();
      process.exit(130);
    }
    controller.abort(name);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return controller.signal;
};
