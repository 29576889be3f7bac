import type { Socket } from 'socket.io-client';

/** How long an owner whom nothing confirms is watched for a refusal before the room counts as open. */
const settleMs = 150;

/** How a wait for the server ended. */
export type Outcome =
  | { kind: 'answer'; args: unknown[] }
  | { kind: 'refused'; event: string; args: unknown[] }
  | { kind: 'disconnected'; reason: string }
  | { kind: 'unanswered' }
  | { kind: 'cancelled' };

/** Watches for everything that may come instead of an answer, until `end` is called. */
export type Interruptions = { first: Promise<Outcome>; end(): void };

/**
 * Emits `event` and waits at most `timeoutMs` for what confirms it: the acknowledgement, an event, or (`none`) that
 * no interruption comes within a moment.
 */
export const emitAndConfirm = async (
  socket: Socket,
  event: string,
  args: readonly unknown[],
  confirm: 'ack' | 'none' | { event: string },
  timeoutMs: number,
  interruptions: Interruptions,
): Promise<Outcome> => {
  if (confirm === 'none') {
    socket.emit(event, ...args);
    return settle(interruptions);
  }
  const late = after(timeoutMs, { kind: 'unanswered' });
  let onAnswer: (...answer: unknown[]) => void = () => {};
  const answer = new Promise<Outcome>((resolve) => {
    onAnswer = (...given) => resolve({ kind: 'answer', args: given });
  });
  try {
    if (confirm === 'ack') socket.emit(event, ...args, onAnswer);
    else {
      socket.once(confirm.event, onAnswer);
      socket.emit(event, ...args);
    }
    return await Promise.race([interruptions.first, answer, late.outcome]);
  } finally {
    late.cancel();
    if (typeof confirm === 'object') socket.off(confirm.event, onAnswer);
  }
};

/** Starts watching `socket` for failure events, a disconnect and a cancellation. */
export const watchInterruptions = (
  socket: Socket,
  failureEvents: readonly string[],
  signal: AbortSignal | undefined,
): Interruptions => {
  const removers: (() => void)[] = [];
  const first = new Promise<Outcome>((resolve) => {
    for (const event of failureEvents) {
      const onFailure = (...args: unknown[]): void => resolve({ kind: 'refused', event, args });
      socket.on(event, onFailure);
      removers.push(() => socket.off(event, onFailure));
    }
    const onDisconnect = (reason: string): void => resolve({ kind: 'disconnected', reason });
    socket.on('disconnect', onDisconnect);
    removers.push(() => socket.off('disconnect', onDisconnect));
    const onAbort = (): void => resolve({ kind: 'cancelled' });
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    removers.push(() => signal?.removeEventListener('abort', onAbort));
  });
  return {
    first,
    end: () => {
      for (const remove of removers) remove();
    },
  };
};

/** Waits a moment for an interruption; an answer without arguments if none comes. */
export const settle = async (interruptions: Interruptions): Promise<Outcome> => {
  const quiet = after(settleMs, { kind: 'answer', args: [] });
  try {
    return await Promise.race([interruptions.first, quiet.outcome]);
  } finally {
    quiet.cancel();
  }
};

function after(ms: number, outcome: Outcome): { outcome: Promise<Outcome>; cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    outcome: new Promise((resolve) => {
      timer = setTimeout(resolve, ms, outcome);
    }),
    cancel: () => clearTimeout(timer),
  };
}
