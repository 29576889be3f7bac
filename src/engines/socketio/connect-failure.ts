import { recorder } from '../core/recorder.ts';
import { StepFailure } from '../core/step-failure.ts';

type Described = Error & {
  type?: unknown;
  description?: unknown;
  context?: unknown;
  data?: unknown;
};

/** The error below an event or a wrapper, with its code; several addresses tried at once have one each. */
export const innermost = (value: unknown): { code: string | undefined; message: string } => {
  if (typeof value !== 'object' || value === null) return { code: undefined, message: '' };
  const { code, message, error, errors } = value as Record<string, unknown>;
  const inner = Array.isArray(errors) ? errors[0] : error;
  if (inner !== undefined && inner !== null && inner !== value) {
    const found = innermost(inner);
    if (found.message !== '' || found.code !== undefined) return found;
  }
  const text = typeof message === 'string' ? message : '';
  return { code: typeof code === 'string' ? code : codeIn(text), message: text };
};

/**
 * Why a Socket.IO connection was not made. `socket.io-client` says "websocket error" or "xhr poll error" for all that
 * can go wrong with a transport; the cause (ECONNREFUSED, EMFILE, HTTP 401) is below it. A refusal by the server's
 * middleware keeps its words.
 */
export const connectFailure = (error: unknown): StepFailure => {
  const described = error as Described;
  if (described?.type === 'TransportError') return transportFailure(described);
  const message = described?.message ?? String(error);
  if (message === 'timeout') return new StepFailure('connect timeout', 'the server did not answer in time');
  const details = described?.data === undefined ? '' : `: ${JSON.stringify(described.data)}`;
  return new StepFailure(`connect refused: ${recorder.masked(message).slice(0, 80)}`, `${message}${details}`);
};

function transportFailure(error: Described): StepFailure {
  const { description } = error;
  const request = (error.context ?? {}) as { statusText?: unknown; responseText?: unknown };
  if (typeof description === 'number' && description > 0) {
    const body = typeof request.responseText === 'string' ? `: ${request.responseText}` : '';
    return new StepFailure(
      `connect error: HTTP ${description}`,
      `${error.message}: HTTP ${description}${body}`,
    );
  }
  const cause = innermost(typeof description === 'object' ? description : request.statusText);
  const status = httpStatus(cause.message);
  const reason = status === undefined ? (cause.code ?? error.message) : `HTTP ${status}`;
  return new StepFailure(`connect error: ${reason}`, `${error.message}: ${cause.message || reason}`);
}

function httpStatus(message: string): string | undefined {
  return /Unexpected server response: (\d+)/.exec(message)?.[1];
}

function codeIn(text: string): string | undefined {
  return /\bE[A-Z]{3,}[A-Z0-9_]*\b/.exec(text)?.[0];
}
