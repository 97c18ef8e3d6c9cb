import { describe, expectTypeOf, it } from 'vitest';
import {
  type Crossing,
  shareable,
  type Shareable,
  threadBound,
  type ThreadBound,
  transferable,
  type Transferable,
} from './ownership.ts';

/** As a sender declares it: takes what may cross. */
declare function send<T>(message: Crossing<T>): void;
/** Never runs: what is inside only has to compile, or not to. */
const compiles = (_check: () => void): void => undefined;

class Session {
  readonly name = 'a';
  close(): void {}
}

describe('Crossing', () => {
  it('lets data, shared memory and moved memory pass', () => {
    compiles(() => {
      send({ id: 7, names: ['a', 'b'], nested: { on: true, at: undefined }, big: 7n });
      send(new SharedArrayBuffer(8));
      send({ ring: shareable(new SharedArrayBuffer(8)), words: new Int32Array(new SharedArrayBuffer(8)) });
      send({ block: transferable(new ArrayBuffer(8)) });
    });
    expectTypeOf<Crossing<Shareable<SharedArrayBuffer>>>().toEqualTypeOf<Shareable<SharedArrayBuffer>>();
    expectTypeOf<Crossing<Transferable<ArrayBuffer>>>().toEqualTypeOf<Transferable<ArrayBuffer>>();
    expectTypeOf<Crossing<{ readonly id: number }>>().toEqualTypeOf<{ readonly id: number }>();
  });

  it('stops what would be copied in silence, or would not arrive', () => {
    compiles(() => {
      // @ts-expect-error memory of this thread
      send(new ArrayBuffer(8));
      // @ts-expect-error a view of memory of this thread, deep inside
      send({ job: { bytes: new Uint8Array(8) } });
      // @ts-expect-error a function
      send({ onDone: () => undefined });
      // @ts-expect-error an object with methods
      send({ session: new Session() });
      // @ts-expect-error a map
      send(new Map([['a', 1]]));
      // @ts-expect-error a promise
      send({ later: Promise.resolve(1) });
      // @ts-expect-error thread-bound data, though it looks harmless
      send({ cursor: threadBound({ position: 7 }) });
    });
    expectTypeOf<Crossing<ThreadBound<{ readonly a: number }>>>().toBeNever();
    expectTypeOf<Crossing<() => void>>().toBeNever();
    expectTypeOf<Crossing<Uint8Array<ArrayBuffer>>>().toBeNever();
    expectTypeOf<Crossing<symbol>>().toBeNever();
  });

  it('marks only real shared memory as shareable', () => {
    compiles(() => {
      // @ts-expect-error not shared
      shareable(new ArrayBuffer(8));
      // @ts-expect-error a view of what is not shared
      shareable(new Uint8Array(8));
    });
    expectTypeOf(shareable).returns.toHaveProperty('byteLength');
  });

  it('keeps brands apart', () => {
    expectTypeOf<Shareable<SharedArrayBuffer>>().not.toExtend<Transferable<SharedArrayBuffer>>();
    expectTypeOf<Transferable<ArrayBuffer>>().toExtend<ArrayBuffer>();
    expectTypeOf<ArrayBuffer>().not.toExtend<Transferable<ArrayBuffer>>();
  });
});
