import * as z from 'zod';
import type { SettingPath } from './setting-path.ts';
import { settingsSchema } from './settings-schema.ts';

/** A node of the JSON Schema of the settings, as far as it is read here. */
export type SchemaNode = {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  properties?: Record<string, SchemaNode>;
  patternProperties?: Record<string, SchemaNode>;
  required?: string[];
  additionalProperties?: boolean | SchemaNode;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  examples?: unknown[];
  [other: string]: unknown;
};

let cached: SchemaNode | undefined;

/** The JSON Schema of what may be written in tailgate.yml (defaults need not be). */
export const settingsJsonSchema = (): SchemaNode => {
  cached ??= {
    ...withPartialGroups(
      z.toJSONSchema(settingsSchema, { io: 'input', target: 'draft-7', override: simplify }) as SchemaNode,
    ),
    title: 'Settings of Tailgate (tailgate.yml)',
    patternProperties: { '^x-': { description: 'Anything; a place to keep YAML anchors.' } },
  };
  return cached;
};

/** The schema nodes that describe the setting at `path`; several where alternatives are allowed. */
export const schemaNodesAt = (path: SettingPath): SchemaNode[] =>
  path.reduce<SchemaNode[]>(
    (nodes, step) =>
      nodes.flatMap((node) => {
        const inner =
          typeof step === 'number'
            ? node.items
            : (node.properties?.[step] ??
              (typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined));
        return inner === undefined ? [] : alternatives(inner);
      }),
    alternatives(settingsJsonSchema()),
  );

/** Keys that may stand in the group at `path`. */
export const knownKeys = (path: SettingPath): string[] => [
  ...new Set(schemaNodesAt(path).flatMap((node) => Object.keys(node.properties ?? {}))),
];

/**
 * The full dotted name of the setting called `key` in another group, the one nearest to the top; undefined when there is
 * none. Lists are not entered.
 */
export const settingNamed = (key: string): string | undefined => {
  let group: { name: string; node: SchemaNode }[] = [{ name: '', node: settingsJsonSchema() }];
  while (group.length > 0) {
    const inside = group.flatMap(({ name, node }) =>
      alternatives(node).flatMap((each) =>
        Object.entries(each.properties ?? {}).map(([inner, child]) => ({
          key: inner,
          name: name === '' ? inner : `${name}.${inner}`,
          node: child,
        })),
      ),
    );
    const found = inside.find((setting) => setting.key === key);
    if (found !== undefined) return found.name;
    group = inside;
  }
  return undefined;
};

function withPartialGroups(schema: SchemaNode): SchemaNode {
  const suite = schema.properties!.suites!.items!;
  for (const group of ['target', 'room', 'measure'])
    suite.properties![group] = withoutRequired(suite.properties![group]!);
  return schema;
}

/**
 * A group of a suite is completed from the top level, so that a part of it is enough there. A group whose keys are all
 * required (`{ env: NAME }`) has no parts.
 */
function withoutRequired(node: SchemaNode): SchemaNode {
  const { required, ...rest } = node;
  const isWhole = required?.length === Object.keys(node.properties ?? {}).length;
  return {
    ...rest,
    ...(isWhole && { required }),
    ...(node.anyOf !== undefined && { anyOf: node.anyOf.map(withoutRequired) }),
    ...(node.properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(node.properties).map(([key, inner]) => [key, withoutRequired(inner)]),
      ),
    }),
  };
}

/** Leaves out what says nothing to a reader: the limits of JavaScript's integers, empty groups as defaults. */
function simplify({ jsonSchema }: { jsonSchema: object }): void {
  const node = jsonSchema as SchemaNode;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.properties !== undefined) delete node.default;
  delete node.propertyNames;
}

function alternatives(node: SchemaNode): SchemaNode[] {
  return node.anyOf === undefined ? [node] : node.anyOf.flatMap(alternatives);
}
