/** What is known of a table without opening it: the properties block of the file, and its line in the manifest. */
export interface TableInfo {
  /** Mixed into every checksum of the file (`BlockChecksum`); the file number it was made under, tree id included. */
  readonly binding: number;
  /** Bytes of the whole file. */
  readonly fileBytes: number;
  /** Versions in the table, tombstones included. */
  readonly entries: number;
  readonly tombstones: number;
  /** Bytes of keys and values before prefix and block compression. */
  readonly rawBytes: number;
  readonly revisionMin: number;
  readonly revisionMax: number;
  readonly smallestKey: Uint8Array;
  readonly largestKey: Uint8Array;
}

/** A table in a tree: what it is and which file holds it. */
export interface TableMeta extends TableInfo {
  /** `number` in `000123.sst`; unique in the life of the tree, greater for later files. */
  readonly number: number;
}

export function tableFileName(number: number): string {
  return `${String(number).padStart(6, '0')}.sst`;
}

/** The file number, or undefined when it is not the name of a table. */
export function parseTableFileName(name: string): number | undefined {
  const match = /^(\d{6,15})\.sst$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
