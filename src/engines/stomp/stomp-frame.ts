/** One STOMP frame. Header names and values are unescaped; of a repeated header the first one counts. */
export type StompFrame = {
  command: string;
  headers: Record<string, string>;
  body: Buffer;
};

/** The peer broke the protocol; the connection cannot go on. */
export class StompProtocolError extends Error {
  override readonly name = 'StompProtocolError';
}

const needsEscape = /[\\\r\n:]/;
const toEscape = /[\\\r\n:]/g;
const escapes: Record<string, string> = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', ':': '\\c' };

/** Escapes a header name or value (STOMP 1.2, "Value Encoding"). */
export const escapeHeader = (value: string): string =>
  needsEscape.test(value) ? value.replace(toEscape, (character) => escapes[character]!) : value;

const toUnescape = /\\(.?)/gs;
const unescapes: Record<string, string> = { '\\': '\\', r: '\r', n: '\n', c: ':' };

/** Undoes `escapeHeader`. Any other sequence is a protocol error (STOMP 1.2, "Value Encoding"). */
export const unescapeHeader = (value: string): string =>
  value.includes('\\')
    ? value.replace(toUnescape, (sequence, character: string) => {
        const plain = unescapes[character];
        if (plain === undefined)
          throw new StompProtocolError(`undefined escape ${JSON.stringify(sequence)} in a header`);
        return plain;
      })
    : value;

/** CONNECT and CONNECTED carry their headers as they are, for servers of STOMP 1.0. */
export const escapesHeaders = (command: string): boolean => command !== 'CONNECT' && command !== 'CONNECTED';
