import { utf8 } from '@holdfast/io';
import { expect, it } from 'vitest';
import { CommandReader } from './command.ts';
import { CommandBuilders } from './command-builders.ts';

const NOTHING = new Uint8Array(0);

function filled(builders: CommandBuilders, value: Uint8Array): Uint8Array {
  const builder = builders.take();
  builder.put(1, utf8('key'), NOTHING, value, 0);
  const command = builder.finish(7);
  builders.giveBack(builder);
  return command;
}

it('gives a builder out again, empty, without touching the command that it made', () => {
  const builders = new CommandBuilders();
  const builder = builders.take();
  builder.put(1, utf8('key'), NOTHING, utf8('first'), 0);
  const first = builder.finish(7);
  builders.giveBack(builder);
  expect(builders.take()).toBe(builder);
  expect(builder.ops).toBe(0);
  builder.put(1, utf8('key'), NOTHING, utf8('other'), 0);
  builder.finish(8);
  const reader = new CommandReader(first);
  expect(reader.next()).toBe(true);
  expect(reader.baseRevision).toBe(7);
  expect(Buffer.from(reader.value).includes('first')).toBe(true);
});

it('never gives one builder to two at once', () => {
  const builders = new CommandBuilders();
  filled(builders, utf8('x'));
  expect(builders.take()).not.toBe(builders.take());
});

it('lets one go that a large command has grown', () => {
  const builders = new CommandBuilders();
  filled(builders, new Uint8Array(1024 * 1024));
  expect(builders.take().capacity).toBeLessThan(64 * 1024);
});
