import type { DirectoryStats, DumpedEntry, TreeReport } from '@holdfast/lsm';

/** Bytes as a person reads them: ASCII as it is, the rest as `\x00`. */
function bytesAsText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}

export function entryAsText({ key, revision, kind, value }: DumpedEntry, withValue: boolean): string {
  const head = `${bytesAsText(key)} @${revision} ${kind}`;
  if (kind === 'delete') return head;
  return `${head} ${withValue ? bytesAsText(value) : `${value.length} B`}`;
}

export function entryAsJson({ key, revision, kind, value }: DumpedEntry, withValue: boolean): string {
  const shown = withValue ? { value: base64url(value) } : { valueBytes: value.length };
  return JSON.stringify({ key: base64url(key), revision, kind, ...(kind === 'put' ? shown : {}) });
}

export function reportAsText(report: TreeReport): string {
  const { tables, entries, bytes, orphans, walSegments, walBatches, walIsTorn, faults } = report;
  const lines = [
    `${tables} tables, ${entries} entries, ${bytes} bytes`,
    `log: ${walSegments} segments, ${walBatches} batches${walIsTorn ? ', a torn end (harmless)' : ''}`,
  ];
  if (orphans.length > 0) lines.push(`left over from a crash (harmless): ${orphans.join(' ')}`);
  for (const { path, detail } of faults) lines.push(`DAMAGED ${path}: ${detail}`);
  lines.push(faults.length === 0 ? 'everything is as it was written' : `${faults.length} faults`);
  return lines.join('\n');
}

export function statsAsText(stats: DirectoryStats): string {
  const rows = [['level', 'tables', 'entries', 'tombstones', 'bytes', 'raw bytes']];
  for (const [level, { tables, entries, tombstones, bytes, rawBytes }] of stats.levels.entries()) {
    if (tables > 0) rows.push([level, tables, entries, tombstones, bytes, rawBytes].map(String));
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join('  '));
  const hasTables = rows.length > 1;
  if (hasTables) lines.push(`revisions ${stats.revisionMin} .. ${stats.revisionMax}`);
  lines.push(
    `space amplification ${stats.spaceAmplification.toFixed(2)}`,
    `log: ${stats.walSegments} segments, ${stats.walBytes} bytes`,
    `marks ${stats.marks}, range deletions ${stats.rangeTombstones}, tree id ${stats.treeId}`,
  );
  return lines.join('\n');
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
