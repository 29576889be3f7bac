import { type TailgateError, tailgateError } from '../errors.ts';

/** A promise of CANCELLED for when `signal` fires, to be raced, and the function that stops listening. */
export const untilAborted = (
  signal: AbortSignal | undefined,
): { aborted: Promise<TailgateError>; forget: () => void } => {
  if (signal === undefined) return { aborted: new Promise(() => {}), forget: () => {} };
  let forget = (): void => {};
  const aborted = new Promise<TailgateError>((resolve) => {
    const onAbort = (): void => resolve(tailgateError('CANCELLED', { signal: String(signal.reason) }));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    forget = () => signal.removeEventListener('abort', onAbort);
  });
  return { aborted, forget };
};
