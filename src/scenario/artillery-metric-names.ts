/**
 * Artillery's metric names and ours. Pure. Where a name is not listed it is the author's own, and stays as it is.
 */

/** `vusers.created` -> `users.created`, `vusers.created_by_name.chat` -> `users.created_by_name.chat`. */
export const counterName = (artilleryName: string): string =>
  artilleryName.startsWith('vusers.') ? artilleryName.slice('v'.length) : artilleryName;

export const artilleryCounterName = (counter: string): string =>
  counter.startsWith('users.') ? `v${counter}` : counter;

/** `http.response_time` -> `http.response`, `http.response_time.2xx` -> `http.2xx.response`. */
export const latencyName = (artilleryName: string): string => {
  if (artilleryName === 'vusers.session_length') return 'session.length';
  if (artilleryName === 'http.response_time') return 'http.response';
  const status = /^http\.response_time\.(\dxx)$/.exec(artilleryName);
  return status === null ? artilleryName : `http.${status[1]}.response`;
};

export const artilleryLatencyName = (id: string): string => {
  if (id === 'session.length') return 'vusers.session_length';
  if (id === 'http.response') return 'http.response_time';
  const status = /^http\.(\dxx)\.response$/.exec(id);
  return status === null ? id : `http.response_time.${status[1]}`;
};

/** Rates that Artillery's own engines report beside a counter of the same events. */
export const derivedRates: ReadonlySet<string> = new Set([
  'http.request_rate',
  'http.response_rate',
  'socketio.emit_rate',
  'websocket.send_rate',
]);
