/** What socket.io-client knows of a failed connection beyond its message; all of it optional, by transport. */
type ConnectError = Error & {
  /** What the server's middleware attached to its refusal. */
  data?: unknown;
  /** An ErrorEvent of WebSocket, an Error, or the HTTP status of polling. */
  description?: unknown;
  context?: { status?: number; statusText?: unknown; responseText?: unknown };
};

const firstLine = (text: string): string => text.split('\n')[0]!.trim();

const messageOf = (value: unknown): string | null => {
  if (value instanceof AggregateError && value.errors.length > 0) return messageOf(value.errors[0]);
  if (typeof value === 'string') return value === '' ? null : firstLine(value);
  if (typeof value !== 'object' || value === null) return null;
  const { message, error, code } = value as { message?: unknown; error?: unknown; code?: unknown };
  return messageOf(error) ?? messageOf(message) ?? (typeof code === 'string' ? code : null);
};

/**
 * Why a connection failed, in words for the user. socket.io-client says "websocket error" or "xhr poll error" for
 * everything that happens below it; the cause is in fields that differ by transport.
 */
export const connectReason = (failure: unknown): string => {
  const error = failure as ConnectError;
  const message = error?.message ?? String(failure);
  const details: string[] = [];
  if (error?.data !== undefined) details.push(JSON.stringify(error.data));
  const { description, context } = error ?? {};
  if (typeof description === 'number' && description > 0) {
    const body =
      typeof context?.responseText === 'string' ? firstLine(context.responseText).slice(0, 200) : '';
    details.push(`HTTP ${description}${body === '' ? '' : ` ${body}`}`);
  } else if (description !== undefined) {
    const found = messageOf(description) ?? messageOf(context?.statusText);
    if (found !== null && found !== message) details.push(found);
  }
  return details.length === 0 ? message : `${message} (${details.join('; ')})`;
};
