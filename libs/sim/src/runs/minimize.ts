/**
 * Delta debugging (Zeller and Hildebrandt 2002): a part of `items` that still fails and from which, when there were
 * runs enough, no single item can be left out. `items` as a whole must fail.
 *
 * @param fails whether a part fails; called at most `runsMax` times
 */
export async function minimize<T>(
  items: readonly T[],
  fails: (kept: readonly T[]) => Promise<boolean>,
  runsMax: number,
): Promise<readonly T[]> {
  let runs = 0;
  const tryPart = async (kept: readonly T[]): Promise<boolean> => runs++ < runsMax && fails(kept);
  if (await tryPart([])) return [];
  let left = items;
  let parts = 2;
  while (left.length > 1 && runs < runsMax) {
    const smaller = await smallerPart(left, parts, tryPart);
    if (smaller !== undefined) {
      parts = smaller.length < left.length / 2 ? 2 : Math.max(parts - 1, 2);
      left = smaller;
      continue;
    }
    if (parts >= left.length) break;
    parts = Math.min(parts * 2, left.length);
  }
  return left;
}

/** One of `parts` parts alone, or all but one of them; undefined when each of these holds. */
async function smallerPart<T>(
  items: readonly T[],
  parts: number,
  fails: (kept: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | undefined> {
  const at = (part: number): number => Math.floor((part * items.length) / parts);
  for (let part = 0; part < parts; part++) {
    const alone = items.slice(at(part), at(part + 1));
    if (alone.length < items.length && (await fails(alone))) return alone;
  }
  // With two parts, the complement of one is the other.
  if (parts === 2) return undefined;
  for (let part = 0; part < parts; part++) {
    const rest = [...items.slice(0, at(part)), ...items.slice(at(part + 1))];
    if (await fails(rest)) return rest;
  }
  return undefined;
}
