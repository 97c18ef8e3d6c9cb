import type { Machine } from './machine.ts';
import { type Comparison, machineText, tableOf } from './report.ts';

export interface RunFacts {
  readonly command: string;
  readonly date: string;
  readonly entries: number;
  readonly rounds: number;
  readonly minutes: number;
  readonly before: Machine;
  readonly after: Machine;
  readonly programs: readonly string[];
  readonly missingPrograms: readonly string[];
}

/** What stands behind this line is written by hand, and stays. */
const BY_HAND = '## Where the time goes';

/** The page of the documentation: written by `npm run bench:engine -- --write-docs`. */
export function pageOf(facts: RunFacts, comparisons: readonly Comparison[], before: string): string {
  const start = before.indexOf(BY_HAND);
  return `${measuredPart(facts, comparisons)}\n${start < 0 ? `${BY_HAND}\n` : before.slice(start)}`;
}

function measuredPart(facts: RunFacts, comparisons: readonly Comparison[]): string {
  const { before, after } = facts;
  const missed = comparisons.filter(({ bar, row }) => bar !== undefined && bar > 0 && row.ratio < bar);
  return `# The storage engine against its peers

Written by \`${facts.command}\` on ${facts.date}. Change it by running the command, not by hand; only the last section is written by people.

- **Machine:** ${machineText(before)} before, load average ${after.loadAverage.join(' ')} after.
- **Database:** ${facts.entries.toLocaleString('en')} entries, keys of 16 bytes, values of 100 bytes (256 where said), no compression anywhere, bloom filters of 10 bits a key. Larger loads are multiples of that.
- **Method:** every measurement is a process of its own; ours and the peers take turns in ${facts.rounds} round${facts.rounds === 1 ? '' : 's'}; the table has medians (loads of ten times as many entries: one round). The whole run took ${facts.minutes.toFixed(1)} minutes. A ratio is how many times better ours is. Reads are warmed up by one scan and by at least 0.3 seconds of the same reads; writes that are synced or go into a filled database, and mixed ones, by 0.3 seconds of the same; synced writes begin half a second after the database was opened. Reads run on a filled and compacted database.
- **Peers:** classic-level (LevelDB by its Node binding), lmdb${facts.programs.length === 0 ? '' : `, and without Node ${facts.programs.join(', ')}`}.${facts.missingPrograms.length === 0 ? '' : ` Not on this machine: ${facts.missingPrograms.join(', ')}.`}

${tableOf(comparisons)}

## What the rows mean

| row | ours | peers |
| --- | --- | --- |
| writes without \`sync\` | \`Tree.write\`: in the memtable at once, in the log file by its next group, lost with a crash of the process in between | LevelDB and RocksDB: in the log file (page cache) when the call returns; lmdb with \`noSync\` |
| writes with \`sync\` | answered when \`fdatasync\` of the log has returned; writes of one turn share it; written by the calling thread (\`logWrites: 'caller'\`), which has nothing else to do here | LevelDB: \`fdatasync\` of its log for each group of its writer queue; lmdb: each transaction synced |
| reads | \`Tree.get\`, \`multiGet\` and cursors on mapped tables: values as views (copies from \`multiGet\`), every value touched | classic-level: copies in Buffers by \`getSync\`, \`getMany\`, \`nextv(1000)\`; lmdb: \`getBinaryFast\`, \`getRange\` |
| "through level" and awaited reads | \`@holdfast/level\`, which is the same interface as classic-level, values copied to Buffers | classic-level |
| 64 in flight | 64 calls, then all of their promises | the same |
| event loop held | how late a timer of 1 ms comes (\`monitorEventLoopDelay\` less that millisecond) at p99.9 while batches of 100 are loaded, flushed and compacted | the same loop; LevelDB works in threads of its own |

## Write amplification of ours

Bytes written to tables for each byte flushed, when the clock stopped, where a compaction had ended by then; the log, which has every byte once more, is not counted.

${amplificationsOf(comparisons)}

## Bars missed

${missed.length === 0 ? 'None.' : missed.map(({ row, bar }) => `- ${row.workload}: ${row.ratio.toFixed(2)} x ${row.peerName}, ${bar} x asked for`).join('\n')}
`;
}

function amplificationsOf(comparisons: readonly Comparison[]): string {
  const lines = new Map<string, string>();
  for (const { row, workload, writeAmplification } of comparisons) {
    if (workload.start === 'filled' || writeAmplification === undefined) continue;
    lines.set(row.workload, `- ${row.workload}: ${writeAmplification.toFixed(2)}`);
  }
  return lines.size === 0 ? 'No compaction had ended in any of them.' : [...lines.values()].join('\n');
}
