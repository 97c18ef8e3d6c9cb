import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GENERATED, generate, SCHEMAS } from '../scripts/gen.ts';
import { FrameFlag, FrameType } from './frame.ts';
import { AnswerFlag, Condition, Consistency, OpFlag, OpKind } from './data-ops.ts';
import * as layout from './generated/layout.ts';
import { PROTOCOL_VERSION_MAX } from './version.ts';

/**
 * What each version of the protocol says, in one number. A change of the schema that alters it asks for a
 * decision: not released yet, then correct the line; released, then a new version and a new line
 * (docs/formats/frame.md, "Evolution").
 */
const HASH_OF_VERSION: Readonly<Record<number, string>> = {
  1: '82d13717f07b40ee',
};

/** The schemas without comments and spacing, and the numbers that they leave to TypeScript. */
function schemaHash(): string {
  const hash = createHash('sha256');
  for (const name of SCHEMAS) {
    const text = readFileSync(join(import.meta.dirname, '../schema', name), 'utf8');
    hash.update(text.replace(/\/\/.*$/gm, '').replace(/\s+/g, ' '));
  }
  hash.update(JSON.stringify([FrameType, FrameFlag, OpKind, OpFlag, Condition, Consistency, AnswerFlag]));
  return hash.digest('hex').slice(0, 16);
}

describe('the schema', () => {
  it('is the one of the current protocol version', () => {
    expect(schemaHash()).toBe(HASH_OF_VERSION[PROTOCOL_VERSION_MAX]);
  });

  it('is what the generated code was made from', async () => {
    const wanted = await generate();
    expect(readdirSync(GENERATED).sort()).toEqual([...wanted.keys()]);
    for (const [name, source] of wanted) expect(readFileSync(join(GENERATED, name), 'utf8')).toBe(source);
  });

  it('has no padding that nobody names: every byte of a struct is written', () => {
    const structs = new Map<string, object>(Object.entries(layout));
    const widths: Readonly<Record<string, number>> = { ulong: 8, uint: 4, ushort: 2, ubyte: 1 };
    for (const name of SCHEMAS) {
      const text = readFileSync(join(import.meta.dirname, '../schema', name), 'utf8');
      for (const [, struct, body] of text.matchAll(/struct (\w+) \{([^}]*)\}/g)) {
        const fields = [...body.matchAll(/^\s*\w+: (\w+);/gm)];
        const bytes = fields.reduce((sum, [, type]) => sum + widths[type], 0);
        const constant = struct.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
        expect([struct, structs.get(constant)]).toMatchObject([struct, { bytes }]);
      }
    }
  });
});
