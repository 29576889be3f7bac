import { escapeHeader, escapesHeaders, StompProtocolError } from './stomp-frame.ts';

/** A heart-beat is a bare end of line. */
export const heartbeat = '\n';

/** The command and headers of a frame as they go on the wire, without the blank line that ends them. */
export const encodeHead = (command: string, headers: Record<string, string>): string => {
  let head = `${command}\n`;
  if (escapesHeaders(command)) {
    for (const name in headers) head += `${escapeHeader(name)}:${escapeHeader(headers[name]!)}\n`;
    return head;
  }
  for (const name in headers) {
    const line = `${name}:${headers[name]!}`;
    // Nothing can be escaped here, and a line break would smuggle in a header.
    if (/[\r\n]/.test(line))
      throw new StompProtocolError(`a ${command} header cannot hold a line break: "${name}"`);
    head += `${line}\n`;
  }
  return head;
};

/**
 * Ends a frame whose head was made by `encodeHead`. A `content-length` is added when there is a body and
 * `contentLength` is not false; a body that holds a NUL cannot do without.
 * Text stays a string, bytes make a Buffer: the caller sends them as a text or a binary WebSocket message.
 */
export const encodeFrame = (
  head: string,
  body: string | Buffer = '',
  contentLength = true,
): string | Buffer => {
  if (typeof body === 'string') {
    if (body === '') return `${head}\n\0`;
    return contentLength
      ? `${head}content-length:${Buffer.byteLength(body)}\n\n${body}\0`
      : `${head}\n${body}\0`;
  }
  const start = Buffer.from(contentLength ? `${head}content-length:${body.length}\n\n` : `${head}\n`);
  return Buffer.concat([start, body, endOfFrame]);
};

const endOfFrame = Buffer.of(0);
