import type { Step } from './infer-steps.ts';
import type { Replaced } from './recorded-values.ts';
import type { HttpExchange, Session } from './recording.ts';

/** One recorded client, and what a scenario says of it. */
export type Draft = {
  session: Session;
  role: string;
  replaced: Replaced[];
  requests: HttpExchange[];
  steps: Step[];
};

/** When something of the recording comes in the replay, milliseconds. */
export type Clock = (recordedMs: number) => number;
