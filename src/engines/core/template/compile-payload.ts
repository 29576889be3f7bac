import { compileTemplate, type Template } from './compile-template.ts';

const encodings = ['base64', 'hex', 'utf8'] as const;
type BinaryEncoding = (typeof encodings)[number];

/** Compiles the payload of an event: templates, and binary data at any depth. */
export const compilePayload = <T = unknown>(value: unknown): Template<T> =>
  compileTemplate<T>(value, compileBinary);

/**
 * Binary data in a scenario: `{ $binary: "aGk=" }` (base64), `{ $binary: { hex: "00ff" } }`,
 * `{ $binary: { utf8: "text with {{ templates }}" } }` or `{ $binary: { bytes: 1024 } }` (that many zero bytes).
 * Null for any other object. Throws for a `$binary` that says none of these.
 */
function compileBinary(value: Record<string, unknown>): Template | null {
  if (!('$binary' in value) || Object.keys(value).length !== 1) return null;
  const content = value.$binary;
  if (typeof content === 'string')
    return mapTemplate(compileTemplate(content), (text) => Buffer.from(String(text), 'base64'));
  const [[key, data] = ['', undefined]] = Object.entries((content ?? {}) as Record<string, unknown>);
  if (isEncoding(key)) return mapTemplate(compileTemplate(data), (text) => Buffer.from(String(text), key));
  if (key === 'bytes') return mapTemplate(compileTemplate(data), (count) => Buffer.alloc(Number(count)));
  throw new Error('"$binary" takes a base64 string, or one of base64, hex, utf8 and bytes');
}

function mapTemplate(source: Template, convert: (value: unknown) => unknown): Template {
  if (!source.isStatic)
    return { ...source, json: null, render: (context) => convert(source.render(context)) };
  const value = convert(source.render({ vars: {} }));
  return { ...source, json: null, render: () => value };
}

function isEncoding(key: string): key is BinaryEncoding {
  return (encodings as readonly string[]).includes(key);
}
