/**
 * When did a message arrive? Not when its turn came: what arrives together is handled one after the other, and the work
 * on the first would be read as latency of the last. The event loop asks the system for all sockets that have data at
 * once, so everything that is read before its next turn had arrived when the first of it was read, and counts from then.
 */
let sharedMs: number | null = null;

let reads = 0;

/** Sockets that libuv asks for at once; those after them may have got their data later. */
const socketsAtOnce = 1_024;

/**
 * A socket got data. To be called first in the callback that takes it, and nowhere else: what runs between two turns
 * of reading (timers) must not share an instant with what is read after it.
 */
export const noteArrival = (): void => {
  reads += 1;
  if (sharedMs === null) setImmediate(forget);
  else if (reads <= socketsAtOnce) return;
  sharedMs = performance.now();
  reads = 1;
};

/**
 * Instant (`performance.now()`) at which what is being handled arrived: after `fromMs`, when it was sent. Outside of
 * the handling of what a socket got it is now.
 */
export const arrivedMs = (fromMs: number): number =>
  sharedMs !== null && sharedMs >= fromMs ? sharedMs : performance.now();

function forget(): void {
  sharedMs = null;
  reads = 0;
}
