import { viewOf } from '@holdfast/io';

/** Size of the values that are written, in bytes. */
const VALUE_BYTES = 256;

/** A value that says when it was made, on the clock that the processes of a machine share. */
export function stampedValue(): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES);
  viewOf(value).setFloat64(0, performance.timeOrigin + performance.now(), true);
  return value;
}

export function stampOf(value: Uint8Array): number {
  return viewOf(value).getFloat64(0, true);
}
