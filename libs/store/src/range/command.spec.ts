import { utf8 } from '@holdfast/io';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataKey } from '../tree-keys.ts';
import {
  COMMAND_BYTES_TARGET,
  COMMAND_OPS_MAX,
  CommandBuilder,
  CommandReader,
  ConditionKind,
  MutationKind,
} from './command.ts';
import { readStoredValue } from './stored-value.ts';

const mutation = fc.record({
  put: fc.boolean(),
  keyspace: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  key: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  contentType: fc.string({ unit: 'binary-ascii', maxLength: 40 }),
  value: fc.uint8Array({ maxLength: 300 }),
  expiresAtMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 45 })),
  condition: fc.constantFrom(...Object.values(ConditionKind)),
  conditionRevision: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
});

describe('command', () => {
  it('reads back every op that was added', () => {
    fc.assert(
      fc.property(
        fc.array(mutation, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 0, max: 2 ** 50 }),
        (mutations, base) => {
          const builder = new CommandBuilder();
          for (const m of mutations) {
            if (m.put) {
              builder.put(
                m.keyspace,
                m.key,
                utf8(m.contentType),
                m.value,
                m.expiresAtMs,
                m.condition,
                m.conditionRevision,
              );
            } else {
              builder.delete(m.keyspace, m.key, m.condition, m.conditionRevision);
            }
          }
          const reader = new CommandReader(builder.finish(base));
          expect(builder.ops).toBe(0);
          expect(reader.lastRevision).toBe(base + mutations.length - 1);
          for (const [i, m] of mutations.entries()) {
            expect(reader.next()).toBe(true);
            expect(reader.revision).toBe(base + i);
            expect(reader.kind).toBe(m.put ? MutationKind.put : MutationKind.delete);
            expect(reader.conditionKind).toBe(m.condition);
            expect(reader.conditionRevision).toBe(m.conditionRevision);
            expect(reader.key).toEqual(dataKey(m.keyspace, m.key));
            if (!m.put) {
              expect(reader.value.length).toBe(0);
              continue;
            }
            const stored = readStoredValue(reader.value);
            expect(stored.value).toEqual(m.value);
            expect(stored.contentType).toEqual(utf8(m.contentType));
            expect(stored.expiresAtMs).toBe(m.expiresAtMs);
          }
          expect(reader.next()).toBe(false);
        },
      ),
    );
  });

  it('is full at its target size, and ends at its most ops', () => {
    const builder = new CommandBuilder();
    const value = new Uint8Array(COMMAND_BYTES_TARGET);
    builder.put(1, utf8('k'), utf8(''), value, 0, ConditionKind.none, 0);
    expect(builder.takes(1)).toBe(false);
    for (let op = 1; op < COMMAND_OPS_MAX; op++) builder.delete(1, utf8('k'), ConditionKind.none, 0);
    expect(() => builder.delete(1, utf8('k'), ConditionKind.none, 0)).toThrow(/no further/);
  });
});
