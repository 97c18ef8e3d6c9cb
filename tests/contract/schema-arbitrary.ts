import fc from 'fast-check';

/** JSON Schema, as far as the API document uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
}

/** Members of an array at most: size is tested elsewhere. */
const ITEMS_MAX = 5;

/** What text looks like that has broken somebody's parser. */
export const naughtyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '',
    '\0',
    '/',
    '..',
    '%2F',
    '%',
    '__proto__',
    'constructor',
    'null',
    'NaN',
    '-1',
    '0',
    '1e400',
    '9007199254740993',
    '\u202e\u0000\ufeff',
    '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
    "'; DROP TABLE keys; --",
    '<script>alert(1)</script>',
    '${jndi:ldap://x}',
    'A'.repeat(5000),
  ),
);

/** Values that the schema describes. */
export function valueOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants !== undefined) return fc.oneof(...variants.map(valueOf));
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(valueOf(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: ITEMS_MAX });
    case 'integer':
      return fc.oneof(
        fc.integer({ min: schema.minimum ?? -1000, max: Math.min(schema.maximum ?? 1000, 1_000_000) }),
        fc.constant(schema.maximum ?? Number.MAX_SAFE_INTEGER),
      );
    case 'boolean':
      return fc.boolean();
    case 'string':
      return schema.pattern === undefined ? naughtyText : fc.constantFrom('1', '5s', '250ms', 'AAE=');
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

/** Values that are near what the schema describes, and values that are far from it. */
export function almostValueOf(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 6, arbitrary: valueOf(schema) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valueOf(schema), naughtyText, naughtyText)
        .map(([value, name, extra]) =>
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? { ...value, [name]: extra }
            : [value],
        ),
    },
  );
}

function objectOf({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const members = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valueOf(schema)]),
  );
  return fc.record(members, { requiredKeys: [...required] });
}
