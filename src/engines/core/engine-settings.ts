/**
 * What the settings tell the engines of one generator process. Set once by the load worker before Artillery
 * constructs the engines.
 */
export type EngineSettings = {
  /** Every wait for an acknowledgement, a response or a connection ends after this. */
  timeoutMs: number;
  /** How long after the last send a delivery still counts; after it, a missing one is lost. */
  drainMs: number;
  /** Attach a callback to emits that the scenario does not wait for: `all`, or a list of events. */
  observeAcknowledgements: 'all' | 'none' | string[];
  /** Events by which the server reports a failure; one ends the wait of the step in flight as a named error. */
  failureEvents: string[];
  /** What answers that say no are: errors, answers like any other, or answers like any other to these events. */
  refusals: 'error' | 'ignore' | readonly string[];
  /** Deliveries declared by the settings, for scenarios that carry no `{{ $tag }}` themselves. */
  deliveries: DeliveryRule[];
  /** Claims and secret for a token per virtual user, as `{{ $token }}`. */
  jwt: VirtualUserJwt | null;
  seed: number;
  /** Loopback addresses that connections come from in turn; the system chooses if there are none. */
  localAddresses?: readonly string[];
  /** Which part of the arrivals this process drives, and how many such parts in a row are of one machine (all if absent). */
  shard: { index: number; count: number; perMachine?: number | undefined };
  /** The clock that machines of one load go by; absent where one machine drives it. */
  clock?: SharedClock | undefined;
};

export type SharedClock = {
  /** How far it is ahead of this machine's monotonic clock, microseconds. */
  aheadUs: number;
  /** Two machines read it at most so far apart at the same instant, microseconds. */
  apartUs: number;
};

export type DeliveryRule = {
  /** Event that a virtual user emits. */
  send: string;
  /** Event that the receivers get. */
  receive: string;
  /** Where in the sent payload the tag is put, for example `text` or `0.body.id`. */
  sentPath: string;
  /** Where in the received payload it comes back; the same path if not given. */
  receivedPath: string;
  /** Whether the sender gets its own message. */
  includesSender: boolean;
  /**
   * How a virtual user becomes a member: the event whose acknowledgement confirms membership, and the path in its
   * payload that names the room; null means that everyone connected is a member of one room.
   */
  join: { event: string; roomPath: string } | null;
  leave: { event: string } | null;
};

export type VirtualUserJwt = {
  secret: string;
  algorithm: 'HS256' | 'HS384' | 'HS512';
  /** Claims; strings are templates over the virtual user's variables. */
  claims: Record<string, unknown>;
  expiresInSeconds: number;
};

/** What holds until a run says otherwise. */
export const defaultEngineSettings: EngineSettings = {
  timeoutMs: 10_000,
  drainMs: 2_000,
  observeAcknowledgements: 'none',
  failureEvents: ['exception'],
  refusals: 'error',
  deliveries: [],
  jwt: null,
  seed: 1,
  shard: { index: 0, count: 1 },
};

let current = defaultEngineSettings;

export const engineSettings = (): EngineSettings => current;

export const setEngineSettings = (settings: EngineSettings): void => {
  current = settings;
};
