import { BaseType, SCALAR_BYTES, type SchemaField, type SchemaObject } from './reflection.ts';

const constantName = (name: string): string => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();
const camel = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** TypeScript of `layout.ts`: positions in structs, slots and shapes of tables. */
export function layoutSource(schemas: readonly (readonly SchemaObject[])[]): string {
  const out = [
    '// Generated from schema/*.fbs by `npm run gen`: do not edit.',
    "import type { TableShape } from '../table-shape.ts';",
    '',
  ];
  for (const objects of schemas) {
    for (const struct of objects.filter((object) => object.isStruct)) {
      out.push(`/** Byte positions in the struct \`${struct.name}\`, and its size. */`);
      out.push(`export const ${constantName(struct.name)} = {`, `  bytes: ${struct.bytes},`);
      for (const field of struct.fields) out.push(`  ${camel(field.name)}: ${field.offset},`);
      out.push('} as const;', '');
    }
    const done = new Set<string>();
    const emit = (table: SchemaObject): void => {
      if (done.has(table.name)) return;
      done.add(table.name);
      for (const field of table.fields) {
        const inner = objects[field.object];
        if (inner !== undefined && !inner.isStruct) emit(inner);
      }
      out.push(
        `export const ${constantName(table.name)}: TableShape = {`,
        `  name: '${table.name}',`,
        '  fields: [',
      );
      for (const field of table.fields) out.push(`    ${shape(field, objects)},`);
      out.push('  ],', '};', '');
      out.push(
        `/** Slots of the table \`${table.name}\`. */`,
        `export const ${constantName(table.name)}_SLOT = {`,
      );
      for (const field of table.fields) out.push(`  ${camel(field.name)}: ${field.id},`);
      out.push('} as const;', '');
    };
    for (const table of objects.filter((object) => !object.isStruct)) emit(table);
  }
  return out.join('\n');
}

function shape(field: SchemaField, objects: readonly SchemaObject[]): string {
  const make = (kind: string, bytes: number, table?: string): string =>
    `{ name: '${camel(field.name)}', kind: '${kind}', bytes: ${bytes}, required: ${field.required}` +
    `${table === undefined ? '' : `, table: ${table}`} }`;
  const inner = objects[field.object];
  if (field.base === BaseType.string) return make('text', 1);
  if (field.base === BaseType.vector) {
    const bytes = SCALAR_BYTES[field.element] ?? 0;
    if (bytes > 0) return make('vector', bytes);
    if (field.element === BaseType.object && inner !== undefined) {
      return inner.isStruct ? make('vector', inner.bytes) : make('tables', 4, constantName(inner.name));
    }
  }
  const bytes = SCALAR_BYTES[field.base] ?? 0;
  if (bytes > 0) return make('scalar', bytes);
  throw new Error(`field ${field.name}: a type that the verifier does not know`);
}
