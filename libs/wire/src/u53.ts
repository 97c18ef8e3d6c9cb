import { assert } from '@holdfast/io';

/** Writes an integer below 2^53 as u64, little-endian. `setUint32` takes the low 32 bits by itself, without `%`. */
export function putU53(view: DataView, at: number, value: number): void {
  assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER, 'u53 out of range');
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value / 2 ** 32, true);
}

/** Reads what {@link isU53} has accepted. */
export function getU53(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

export function isU53(view: DataView, at: number): boolean {
  return view.getUint32(at + 4, true) < 2 ** 21;
}
