import type { DoubleRepository, DoubleToken } from './double-state.ts';

type Json = Record<string, unknown>;

/** One request, after routing, authentication and the checks against the description. */
export type Call = {
  apiUrl: string;
  repository: DoubleRepository;
  token: DoubleToken;
  path: Record<string, string>;
  query: Record<string, string | undefined>;
  body: Json;
};

export type Answer = { status: number; body: unknown; headers?: Record<string, string> };

export type Operation = (call: Call) => Answer;

export const refuse = (status: number, message: string, extra: Json = {}): Answer => ({
  status,
  body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status), ...extra },
});

export const notFound = (): Answer => refuse(404, 'Not Found');

export const invalidField = (resource: string, field: string, code: string, message: string): Answer =>
  refuse(422, 'Validation Failed', { errors: [{ resource, field, code, message }] });

/** One page of `items`, with GitHub's Link header: `per_page` is 30 by default and 100 at most. */
export const page = <T>(
  call: Call,
  url: string,
  items: readonly T[],
): { items: T[]; headers: Record<string, string> } => {
  const size = Math.min(Number(call.query.per_page ?? 30), 100);
  const number = Number(call.query.page ?? 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const link = (target: number, relation: string) => {
    const query = new URLSearchParams({
      ...(Object.fromEntries(Object.entries(call.query).filter(([, v]) => v !== undefined)) as Record<
        string,
        string
      >),
      per_page: String(size),
      page: String(target),
    });
    return `<${call.apiUrl}${url}?${query}>; rel="${relation}"`;
  };
  const links: string[] = [];
  if (number > 1) links.push(link(number - 1, 'prev'), link(1, 'first'));
  if (number < last) links.push(link(number + 1, 'next'), link(last, 'last'));
  return {
    items: items.slice((number - 1) * size, number * size),
    headers: links.length === 0 ? {} : { link: links.join(', ') },
  };
};

export const simpleUser = (login: string, type: 'Bot' | 'User'): Json => ({ login, type, id: login.length });
