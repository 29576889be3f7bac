import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { OpenAPIBackend } from 'openapi-backend';

/** What Tailgate may ask of GitHub. A request outside of this list is answered with 404 and fails the test. */
export const describedOperations = [
  'repos/get',
  'repos/get-content',
  'repos/list-pull-requests-associated-with-commit',
  'repos/create-commit-status',
  'repos/list-commit-statuses-for-ref',
  'pulls/get',
  'pulls/list',
  'issues/list-comments',
  'issues/create-comment',
  'issues/get-comment',
  'issues/update-comment',
  'issues/delete-comment',
  'checks/create',
  'checks/update',
  'checks/get',
  'checks/list-for-ref',
  'checks/list-annotations',
  'git/get-ref',
  'git/create-ref',
  'git/update-ref',
  'git/delete-ref',
  'git/get-commit',
  'git/create-commit',
  'git/get-tree',
  'git/create-tree',
  'git/get-blob',
  'git/create-blob',
  'actions/list-workflow-run-artifacts',
  'actions/get-artifact',
  'actions/download-artifact',
  'users/get-authenticated',
] as const;

export type OperationId = (typeof describedOperations)[number];

type Json = Record<string, unknown>;
type ApiDescription = { paths: Record<string, Json>; components: Record<string, Json> };

const collectRefs = (node: unknown, into: Set<string>): void => {
  if (Array.isArray(node)) {
    for (const item of node) collectRefs(item, into);
  } else if (node !== null && typeof node === 'object') {
    const ref = (node as Json).$ref;
    if (typeof ref === 'string') into.add(ref);
    for (const value of Object.values(node)) collectRefs(value, into);
  }
};

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/**
 * Leaves out examples, which are most of the description and which nothing here reads, and words `nullable` without
 * `type` (OpenAPI 3.0) as the validator understands it.
 */
const simplified = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(simplified);
  if (!isObject(node)) return node;
  const copy: Json = {};
  for (const [key, value] of Object.entries(node)) {
    const isExample = key === 'examples' || key === 'example' || key === 'x-github';
    if (!isExample || (isObject(value) && 'type' in value)) copy[key] = simplified(value);
  }
  if (copy.nullable !== true || 'type' in copy) return copy;
  const { nullable: _, ...rest } = copy;
  return { anyOf: [rest, { enum: [null] }] };
};

/** The part of GitHub's OpenAPI description that holds `describedOperations`, with every component they refer to. */
const readSubset = (): ApiDescription => {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
  const whole = JSON.parse(readFileSync(file, 'utf8')) as ApiDescription;
  const wanted = new Set<string>(describedOperations);
  const paths: Record<string, Json> = {};
  for (const [path, item] of Object.entries(whole.paths)) {
    const kept = Object.entries(item).filter(
      ([, operation]) => isObject(operation) && wanted.has(String(operation.operationId)),
    );
    if (kept.length > 0) paths[path] = simplified(Object.fromEntries(kept)) as Json;
  }
  const components: Record<string, Json> = {};
  const pending = new Set<string>();
  const seen = new Set<string>();
  collectRefs(paths, pending);
  for (const ref of pending) {
    if (seen.has(ref)) continue;
    seen.add(ref);
    const [, , kind, name] = ref.split('/') as [string, string, string, string];
    const component = simplified(whole.components[kind]?.[name]);
    components[kind] ??= {};
    components[kind][name] = component;
    collectRefs(component, pending);
  }
  return {
    ...(simplified({ ...whole, paths: {}, components: {} }) as Json),
    paths,
    components,
  } as ApiDescription;
};

const filler = (schema: Json, depth: number): unknown => {
  const variants = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as Json[] | undefined;
  if (schema.nullable === true) return null;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (variants !== undefined && schema.properties === undefined) {
    return variants.some((variant) => Array.isArray(variant.enum) && variant.enum[0] === null)
      ? null
      : filler(variants[0]!, depth);
  }
  if (schema.type === 'integer' || schema.type === 'number') return 0;
  if (schema.type === 'boolean') return false;
  if (schema.type === 'array') return [];
  if (schema.type === 'string') return schema.format === 'date-time' ? '2026-01-01T00:00:00Z' : '';
  return filled(schema, {}, depth + 1);
};

const objectSchema = (schema: Json): Json => {
  if (schema.properties !== undefined) return schema;
  const variants = (schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []) as Json[];
  return variants.map(objectSchema).find((variant) => variant.properties !== undefined) ?? schema;
};

/**
 * `known` with every other property that the (dereferenced) schema requires, at an empty value of the right type.
 * The values that a test can look at are in `known`; the rest only makes the answer as large as GitHub's.
 */
export const filled = (schema: Json, known: unknown, depth = 0): unknown => {
  if (Array.isArray(known)) return known.map((item) => filled((schema.items ?? {}) as Json, item, depth + 1));
  if (!isObject(known)) return known;
  const { properties = {}, required = [] } = objectSchema(schema) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  const result: Json = {};
  for (const [key, value] of Object.entries(known)) {
    result[key] = properties[key] === undefined ? value : filled(properties[key], value, depth + 1);
  }
  for (const key of required) {
    const property = properties[key];
    if (!(key in result) && property !== undefined && depth <= 8) result[key] = filler(property, depth);
  }
  return result;
};

let shared: Promise<OpenAPIBackend> | null = null;

/** Router and validators made from GitHub's own OpenAPI description; made once a process. */
export const apiDescription = (): Promise<OpenAPIBackend> => {
  shared ??= new OpenAPIBackend({
    definition: readSubset() as never,
    quick: true,
    coerceTypes: true,
    ajvOpts: { strict: false, validateFormats: false, unicodeRegExp: false, allErrors: false },
  }).init();
  return shared;
};
