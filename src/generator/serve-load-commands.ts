import { TailgateError, tailgateError } from '../errors.ts';
import { Generator } from './generator.ts';
import type { LoadCommand, LoadEvent, LoadReply, PlainError, Prepared } from './load-protocol.ts';
import { runState } from './run-state.ts';

const progressEveryMs = 500;
/** Every so many reports of progress, what was measured is sent along. */
const checkpointEvery = 4;

/**
 * Serves the session that forked this process until it lets go: then the process ends at once, so that no generator
 * outlives its session. An error that nobody caught ends the load, but what was measured can still be collected.
 */
export const serveLoadCommands = (): void => {
  // The session may be gone before all this was loaded, and its going is told only once.
  if (process.connected === false) process.exit(0);
  const sendRaw = process.send?.bind(process);
  let key = '';
  const send = (message: LoadReply | LoadEvent): void => {
    if (process.connected) sendRaw?.({ ...message, key });
  };
  hideChannel();
  let generator: Generator | null = null;
  const running = (): Generator => {
    if (generator === null) throw new Error('The generator was not prepared.');
    return generator;
  };
  const answer = async (command: LoadCommand): Promise<unknown> => {
    switch (command.type) {
      case 'check':
        return await Generator.check(command.request);
      case 'prepare': {
        generator = await Generator.prepare(command.request, command.hooks);
        const { variables, hasAfter } = generator;
        return { variables, hasAfter } satisfies Prepared;
      }
      case 'resume':
        return await running().resume(command.slice, command.atUs);
      case 'pause': {
        const outcome = await running().pause(command.guardMs, command.atUs);
        checkpoint();
        return outcome;
      }
      case 'slice': {
        const { slice, forMs, guardMs, atUs } = command;
        const outcome = await running().driveSlice(slice, forMs, guardMs, atUs);
        checkpoint();
        return outcome;
      }
      case 'reset':
        return await running().reset(command.atUs);
      case 'collect':
        return await running().collect(command.hurry);
      case 'conclude':
        return await running().conclude(command.measurement);
    }
  };
  process.on('message', (command: LoadCommand) => {
    if (command.type === 'prepare' || command.type === 'check') key = command.key;
    answer(command).then(
      (value) => send({ type: 'reply', id: command.id, value }),
      (error: unknown) => {
        console.error(error);
        send({ type: 'reply', id: command.id, error: plainError(error) });
      },
    );
  });
  void runState.finished.then(() => send({ type: 'finished' }));
  const checkpoint = (): void => {
    if (generator?.mayCheckpoint) send({ type: 'checkpoint', measurement: generator.measured() });
  };
  let reports = 0;
  const progress = setInterval(() => {
    if (generator === null) return;
    send({ type: 'progress', progress: generator.progress() });
    reports += 1;
    if (reports % checkpointEvery === 0) checkpoint();
  }, progressEveryMs);
  let failed = false;
  const fail = (error: unknown): void => {
    // One is enough to end the load; a scenario that throws for every user need not fill the log.
    if (failed) return;
    failed = true;
    console.error(error);
    send({ type: 'failed', error: plainError(error) });
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  process.on('disconnect', () => {
    clearInterval(progress);
    process.exit(0);
  });
  // The terminal sends Ctrl-C to the whole group; the session decides what happens here.
  process.on('SIGINT', () => {});
};

/** Libraries tell a parent that they are ready, or let go of it, when there is one: ours is none of theirs. */
const hideChannel = (): void => {
  Object.defineProperty(process, 'send', { value: undefined });
  Object.defineProperty(process, 'disconnect', { value: () => {} });
};

function loadFailed(reason: string): TailgateError {
  return tailgateError('LOAD_FAILED', { reason });
}

function plainError(error: unknown): PlainError {
  if (error instanceof TailgateError) {
    const { code, what, fix, exit, where } = error;
    return { code, what, fix, exit, where };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return plainError(loadFailed(reason));
}
