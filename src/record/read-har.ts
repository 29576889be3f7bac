import { tailgateError } from '../errors.ts';
import type { Connection, Frame, HttpExchange, Recording } from './recording.ts';

type Named = { name: string; value: string };
type Entry = {
  startedDateTime: string;
  /** Milliseconds. */
  time?: number;
  request: { method: string; url: string; headers?: Named[]; postData?: { text?: string } };
  response: { status: number; headers?: Named[]; content?: { text?: string; encoding?: string } };
  _webSocketMessages?: { type: string; time: number; opcode: number; data: string }[];
};

/**
 * Reads a HAR with WebSocket messages, as Chrome and Playwright write it (`_webSocketMessages`; times are seconds). Throws
 * RECORDING_INVALID for a file that is none, or has nothing that a load could repeat.
 */
export const readHar = (text: string, role: string, path: string): Recording => {
  const invalid = (problem: string): Error => tailgateError('RECORDING_INVALID', { path, problem });
  let entries: Entry[];
  try {
    entries = (JSON.parse(text) as { log: { entries: Entry[] } }).log.entries;
    if (!Array.isArray(entries)) throw new Error('it has no "log.entries"');
  } catch (error) {
    throw invalid(`it is no HAR (${(error as Error).message})`);
  }
  const connections: Connection[] = [];
  const requests: HttpExchange[] = [];
  for (const entry of entries) {
    const { request, response } = entry;
    const headers = headersOf(request.headers);
    const atMs = Date.parse(entry.startedDateTime);
    if (/^wss?:/.test(request.url) || entry._webSocketMessages !== undefined) {
      const frames = (entry._webSocketMessages ?? []).map(frameOf);
      connections.push({ role, url: request.url, headers, openedAtMs: atMs, frames });
    } else
      requests.push({
        role,
        atMs,
        answeredAtMs: atMs + Math.max(0, entry.time ?? 0),
        method: request.method,
        url: request.url,
        headers,
        body: request.postData?.text ?? null,
        status: response.status,
        responseHeaders: headersOf(response.headers),
        response: contentOf(response.content),
      });
  }
  const polls = requests.some(({ url }) => /[?&]EIO=\d/.test(url));
  if (!polls && connections.every(({ frames }) => frames.length === 0))
    throw invalid(
      connections.length === 0
        ? 'it has no WebSocket connection and no Socket.IO polling'
        : 'its WebSocket connections have no messages: an older browser wrote it',
    );
  return { connections, requests };
};

const frameOf = ({ type, time, opcode, data }: NonNullable<Entry['_webSocketMessages']>[number]): Frame => ({
  atMs: time < 1e11 ? time * 1_000 : time,
  sent: type === 'send',
  data: opcode === 2 ? Buffer.from(data, 'base64') : data,
});

const headersOf = (headers: Named[] | undefined): Record<string, string> =>
  Object.fromEntries((headers ?? []).map(({ name, value }) => [name.toLowerCase(), value]));

const contentOf = (content: { text?: string; encoding?: string } | undefined): string | null => {
  if (content?.text === undefined) return null;
  return content.encoding === 'base64' ? Buffer.from(content.text, 'base64').toString() : content.text;
};
