import { io } from 'socket.io-client';

/**
 * The truth about a server that stalls, from a bare `socket.io-client`: an open schedule, each message of which is
 * timed from the instant it was intended for, and beside it a closed loop that waits for each answer.
 */
export type ScheduleRequest = { url: string; perSecond: number; seconds: number };

export type ScheduleResult = { sent: number; answered: number; openP99Ms: number; closedP99Ms: number };

const { url, perSecond, seconds } = JSON.parse(process.argv[2]!) as ScheduleRequest;

const p99 = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1] ?? Number.NaN;

const connected = async () => {
  const socket = io(url, { forceNew: true, transports: ['websocket'] });
  await new Promise((resolve) => socket.on('connect', () => resolve(null)));
  return socket;
};

const [open, closed] = await Promise.all([connected(), connected()]);
process.send?.({ value: null });

const total = perSecond * seconds;
const openMs: number[] = [];
const closedMs: number[] = [];

const runOpen = async (startMs: number): Promise<void> =>
  await new Promise((resolve) => {
    let sent = 0;
    const sendDue = (): void => {
      const nowMs = performance.now();
      for (; sent < total && startMs + (sent * 1_000) / perSecond <= nowMs; sent += 1) {
        const intendedMs = startMs + (sent * 1_000) / perSecond;
        open.emit('echo', sent, () => {
          openMs.push(performance.now() - intendedMs);
          if (openMs.length === total) resolve();
        });
      }
      if (sent < total) setTimeout(sendDue, 1);
    };
    sendDue();
  });

const runClosed = (untilMs: number): void => {
  const fromMs = performance.now();
  closed.emit('echo', 0, () => {
    closedMs.push(performance.now() - fromMs);
    if (performance.now() < untilMs) setTimeout(() => runClosed(untilMs), 1_000 / perSecond);
  });
};

process.on('message', () => {
  const startMs = performance.now();
  runClosed(startMs + seconds * 1_000);
  void runOpen(startMs).then(() =>
    process.send?.({
      value: {
        sent: total,
        answered: openMs.length,
        openP99Ms: p99(openMs),
        closedP99Ms: p99(closedMs),
      } satisfies ScheduleResult,
    }),
  );
});
process.on('disconnect', () => process.exit(0));
