/** A thread that dies in the middle of the first table it writes, as long as the file beside the tree says how often. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { directoryOf } from '@holdfast/io';
import { FileDisk } from '@holdfast/io-node';
import { serveCompactions } from '../src/serve-compactions.ts';

/** Name of the file: the directory of the tree and this. */
const DEATHS_SUFFIX = '.deaths';

class DyingDisk extends FileDisk {
  override async open(...[path, create]: Parameters<FileDisk['open']>): ReturnType<FileDisk['open']> {
    const file = await super.open(path, create);
    const deaths = directoryOf(path) + DEATHS_SUFFIX;
    if (create === 'exclusive' && existsSync(deaths)) {
      const left = Number(readFileSync(deaths, 'utf8')) - 1;
      if (left === 0) rmSync(deaths);
      else writeFileSync(deaths, String(left));
      await file.write([new Uint8Array(100)], 0, false);
      process.exit(9);
    }
    return file;
  }
}

serveCompactions({ disk: new DyingDisk() });
