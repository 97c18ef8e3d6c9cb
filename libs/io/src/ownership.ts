/**
 * What may cross from one thread to another, for the type checker. JavaScript itself takes almost anything and
 * copies it in silence; here a message either crosses as it is meant to, or does not compile.
 *
 * - {@link Shareable}: both threads use it at the same time, through `Atomics` (shared memory).
 * - {@link Transferable}: moves; the sender's object is empty afterwards (an ArrayBuffer, a port).
 * - {@link ThreadBound}: belongs to the thread that made it (a connection, a file, a map, a callback).
 *
 * Types only: a brand has no bytes and no cost.
 */
declare const ownership: unique symbol;

/** Shared memory, or an object made of nothing else. */
export type Shareable<T> = T & { readonly [ownership]: 'shareable' };
/** Something that moves. Whoever sends it names it in the transfer list and never touches it again. */
export type Transferable<T> = T & { readonly [ownership]: 'transferable' };
/** Something that must stay where it is, even where JavaScript would copy it. */
export type ThreadBound<T> = T & { readonly [ownership]: 'thread-bound' };

export const shareable = <T extends SharedArrayBuffer | ArrayBufferView<SharedArrayBuffer>>(
  memory: T,
): Shareable<T> => memory as Shareable<T>;
export const transferable = <T extends object>(value: T): Transferable<T> => value as Transferable<T>;
export const threadBound = <T extends object>(value: T): ThreadBound<T> => value as ThreadBound<T>;

type Primitive = string | number | boolean | bigint | null | undefined;
/** Memory of one thread: sending it would copy it. Say `transferable` or use shared memory. */
type Unshared = ArrayBuffer | ArrayBufferView<ArrayBuffer>;
// `never` as the parameter makes every function match.
type Callable = ((...parameters: never[]) => unknown) | (abstract new (...parameters: never[]) => unknown);

/**
 * `T` where all of it may cross a thread border; `never` in the place of every part that may not:
 * functions, promises, class instances with methods, maps, weak references, unshared memory, thread-bound things.
 */
export type Crossing<T> = T extends Primitive
  ? T
  : T extends { readonly [ownership]: infer Kind }
    ? Kind extends 'thread-bound'
      ? never
      : T
    : T extends SharedArrayBuffer | ArrayBufferView<SharedArrayBuffer>
      ? T
      : T extends Unshared | Callable | symbol
        ? never
        : T extends object
          ? { readonly [K in keyof T]: Crossing<T[K]> }
          : never;
