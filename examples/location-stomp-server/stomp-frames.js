/** Reads and writes the STOMP 1.2 frames of this server. A SockJS or WebSocket message holds whole frames here. */

const escapes = { '\\\\': '\\', '\\c': ':', '\\n': '\n', '\\r': '\r' };
const unescapeHeader = (text) => text.replace(/\\./g, (pair) => escapes[pair] ?? pair);
const escapeHeader = (text) =>
  String(text)
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replaceAll(':', '\\c');

/** The frames in one message; heart-beats (bare line ends) give none. */
export const parseFrames = (text) => {
  const frames = [];
  let rest = text.replace(/^[\r\n\0]+/, '');
  while (rest !== '') {
    const headEnd = rest.search(/\r?\n\r?\n/);
    if (headEnd === -1) throw new Error('a frame without the blank line behind its headers');
    const [command, ...lines] = rest.slice(0, headEnd).split(/\r?\n/);
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon === -1) throw new Error(`a header without a colon: "${line}"`);
      const raw = command === 'CONNECT' || command === 'STOMP';
      const name = raw ? line.slice(0, colon) : unescapeHeader(line.slice(0, colon));
      headers[name] ??= raw ? line.slice(colon + 1) : unescapeHeader(line.slice(colon + 1));
    }
    rest = rest.slice(rest.indexOf('\n', rest.indexOf('\n', headEnd) + 1) + 1);
    let end = rest.indexOf('\0');
    if (headers['content-length'] !== undefined) {
      const bytes = Buffer.from(rest);
      const body = bytes.subarray(0, Number(headers['content-length'])).toString();
      end = body.length;
    }
    if (end === -1) throw new Error('a frame without the NUL behind its body');
    frames.push({ command, headers, body: rest.slice(0, end) });
    rest = rest.slice(end + 1).replace(/^[\r\n\0]+/, '');
  }
  return frames;
};

/** The head of a frame, so that one MESSAGE for many subscribers is made once. */
export const frame = (command, headers, body = '') => {
  const raw = command === 'CONNECTED';
  let text = `${command}\n`;
  for (const [name, value] of Object.entries(headers))
    text += raw ? `${name}:${value}\n` : `${escapeHeader(name)}:${escapeHeader(value)}\n`;
  if (body !== '') text += `content-length:${Buffer.byteLength(body)}\n`;
  return `${text}\n${body}\0`;
};
