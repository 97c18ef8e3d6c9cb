import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { runTranscript } from '../testing/transcript.ts';

/** Scripts in `testdata`. `UPDATE=1` rewrites what comes out; the change is reviewed as a diff. */
const directory = new URL('../testdata/', import.meta.url);

describe('transcripts', () => {
  for (const name of readdirSync(directory).sort()) {
    test(name, () => {
      const file = new URL(name, directory);
      const script = readFileSync(file, 'utf8');
      const result = runTranscript(script);
      if (process.env['UPDATE'] === '1') writeFileSync(file, result);
      else expect(result).toBe(script);
    });
  }
});
