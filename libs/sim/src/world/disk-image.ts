import { DiskError, type Random, randomChance } from '@holdfast/io';
import { Inode, type Keep } from './disk-inode.ts';

type Node = Inode | Directory;

export interface FoundFile {
  readonly path: string;
  readonly inode: Inode;
}

/** One directory: the names that are seen, and the names that a power loss would leave. */
class Directory {
  readonly seen = new Map<string, Node>();
  readonly durable = new Map<string, Node>();
  /** Changes of this directory that no completed `syncDirectory` covers, oldest first. */
  pending: EntryChange[] = [];
  /** Order of the newest change of a name that is durable: an older one never undoes it. */
  readonly durableOrder = new Map<string, number>();
}

interface EntryPart {
  readonly directory: Directory;
  readonly name: string;
  /** Undefined removes the name. */
  readonly node: Inode | undefined;
}

/** A change of names that a power loss keeps whole or not at all. A rename has two parts. */
interface EntryChange {
  readonly order: number;
  readonly parts: readonly EntryPart[];
}

function setName(names: Map<string, Node>, name: string, node: Node | undefined): void {
  if (node === undefined) names.delete(name);
  else names.set(name, node);
}

function isDurable({ directory, name }: EntryPart, order: number): boolean {
  return (directory.durableOrder.get(name) ?? 0) >= order;
}

/** The platter and the page cache of one machine: what every incarnation of its node finds. */
export class DiskImage {
  #root = new Directory();
  /** Directories that were looked for: they are neither renamed nor removed. */
  readonly #found = new Map<string, Directory>();
  #order = 0;
  #usedBytes = 0;
  /** Directories locked by a living process. */
  readonly locks = new Set<string>();

  /** Bytes of all files that have a name, holes included. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Called by the owner of a file after it changed the size of `inode`. */
  resized(inode: Inode, bytesMore: number): void {
    if (inode.links > 0) this.#usedBytes += bytesMore;
  }

  find(path: string): Inode | undefined {
    const { directory, name } = this.#parent(path);
    const node = directory?.seen.get(name);
    return node instanceof Inode ? node : undefined;
  }

  isDirectory(path: string): boolean {
    return this.#directory(path) !== undefined;
  }

  create(path: string, operation: string): Inode {
    const { directory, name } = this.#parent(path);
    if (directory === undefined) throw new DiskError('ENOENT', operation, path);
    if (directory.seen.get(name) instanceof Directory) throw new DiskError('EINVAL', operation, path);
    const inode = new Inode();
    this.#change([{ directory, name, node: inode }]);
    return inode;
  }

  list(path: string): string[] {
    const directory = this.#directory(path);
    if (directory === undefined) throw new DiskError('ENOENT', 'list', path);
    return [...directory.seen.keys()].sort();
  }

  makeDirectory(path: string): void {
    let at = this.#root;
    for (const name of partsOf(path)) {
      const next = at.seen.get(name) ?? new Directory();
      if (next instanceof Inode) throw new DiskError('EEXIST', 'make-directory', path);
      at.seen.set(name, next);
      at.durable.set(name, next);
      at = next;
    }
  }

  rename(from: string, to: string): void {
    const source = this.#parent(from);
    const target = this.#parent(to);
    const node = source.directory?.seen.get(source.name);
    if (source.directory === undefined || target.directory === undefined || node === undefined) {
      throw new DiskError('ENOENT', 'rename', from);
    }
    if (node instanceof Directory || target.directory.seen.get(target.name) instanceof Directory) {
      throw new DiskError('EINVAL', 'rename', from, { detail: 'directories are not renamed' });
    }
    if (target.directory.seen.get(target.name) === node) {
      // POSIX: two names of one file; a rename does nothing.
      return;
    }
    this.#change([
      { directory: source.directory, name: source.name, node: undefined },
      { directory: target.directory, name: target.name, node },
    ]);
  }

  link(existing: string, path: string): void {
    const inode = this.find(existing);
    const { directory, name } = this.#parent(path);
    if (inode === undefined || directory === undefined) throw new DiskError('ENOENT', 'link', existing);
    if (directory.seen.has(name)) throw new DiskError('EEXIST', 'link', path);
    this.#change([{ directory, name, node: inode }]);
  }

  remove(path: string): void {
    const { directory, name } = this.#parent(path);
    const node = directory?.seen.get(name);
    if (directory === undefined || node === undefined) throw new DiskError('ENOENT', 'remove', path);
    if (node instanceof Directory) throw new DiskError('EINVAL', 'remove', path, { detail: 'a directory' });
    this.#change([{ directory, name, node: undefined }]);
  }

  /** First half of a `syncDirectory`: gives the function that makes durable what was there now. */
  beginSyncDirectory(path: string): () => void {
    const directory = this.#directory(path);
    if (directory === undefined) throw new DiskError('ENOENT', 'sync-directory', path);
    const covered = directory.pending.at(-1)?.order ?? 0;
    return () => this.#syncDirectory(directory, covered);
  }

  #syncDirectory(directory: Directory, covered: number): void {
    const changes = directory.pending.filter((change) => change.order <= covered);
    directory.pending = directory.pending.filter((change) => change.order > covered);
    for (const { order, parts } of changes) {
      const removesHere = parts.some((part) => part.directory === directory && part.node === undefined);
      for (const part of parts) {
        // A rename's old name never goes before its new name is there.
        if ((part.directory !== directory && !removesHere) || isDurable(part, order)) continue;
        setName(part.directory.durable, part.name, part.node);
        part.directory.durableOrder.set(part.name, order);
      }
    }
  }

  /** Every file in or below a directory, depth first in the order in which the names were made. */
  files(path = ''): readonly FoundFile[] {
    const found: FoundFile[] = [];
    const directory = this.#directory(path);
    if (directory !== undefined) collect(directory, path, found);
    return found;
  }

  /** A file directly in the directory that a power loss now could take something of. */
  unsyncedFile(path: string): FoundFile | undefined {
    const directory = this.#directory(path);
    if (directory === undefined) return undefined;
    for (const [name, node] of directory.seen) {
      if (node instanceof Inode && node.dirtySectors > 0) return { path: `${path}/${name}`, inode: node };
    }
    return undefined;
  }

  /** What the machine finds when the power is back. This image stays as it is. */
  afterPowerLoss(random: Random, keep: Keep): DiskImage {
    const image = new DiskImage();
    const directories = new Map<Directory, Directory>();
    const inodes = new Map<Inode, Inode>();
    const pending: EntryChange[] = [];
    const copyNode = (node: Node): Node => {
      if (node instanceof Directory) return directories.get(node) ?? copyDirectory(node);
      let copy = inodes.get(node);
      if (copy === undefined) {
        copy = node.afterPowerLoss(random, keep);
        inodes.set(node, copy);
      }
      return copy;
    };
    const copyDirectory = (directory: Directory): Directory => {
      const copy = new Directory();
      directories.set(directory, copy);
      for (const [name, node] of directory.durable) copy.seen.set(name, copyNode(node));
      pending.push(...directory.pending);
      return copy;
    };
    image.#root = copyDirectory(this.#root);
    pending.sort((a, b) => a.order - b.order);
    let previous = 0;
    for (const change of pending) {
      if (change.order === previous) continue; // A rename stands in two directories.
      previous = change.order;
      if (keep === 'none' || (keep === 'random' && !randomChance(random, 0.5))) continue;
      for (const part of change.parts) {
        const directory = directories.get(part.directory);
        if (directory === undefined || isDurable(part, change.order)) continue;
        setName(directory.seen, part.name, part.node === undefined ? undefined : copyNode(part.node));
      }
    }
    for (const directory of directories.values()) {
      for (const [name, node] of directory.seen) directory.durable.set(name, node);
    }
    for (const { inode } of image.files()) {
      if (inode.links === 0) image.#usedBytes += inode.size;
      inode.links++;
    }
    return image;
  }

  #change(parts: readonly EntryPart[]): void {
    const change: EntryChange = { order: ++this.#order, parts };
    for (const part of parts) {
      const before = part.directory.seen.get(part.name);
      if (part.node !== undefined) this.#linked(part.node, 1);
      if (before instanceof Inode) this.#linked(before, -1);
      setName(part.directory.seen, part.name, part.node);
      if (part.directory.pending.at(-1) !== change) part.directory.pending.push(change);
    }
  }

  #linked(inode: Inode, difference: 1 | -1): void {
    if (inode.links === 0) this.#usedBytes += inode.size;
    inode.links += difference;
    if (inode.links === 0) this.#usedBytes -= inode.size;
  }

  #directory(path: string): Directory | undefined {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    let at: Node = this.#root;
    for (const name of partsOf(path)) {
      const next: Node | undefined = at.seen.get(name);
      if (!(next instanceof Directory)) return undefined;
      at = next;
    }
    this.#found.set(path, at);
    return at;
  }

  #parent(path: string): { readonly directory: Directory | undefined; readonly name: string } {
    const slash = path.lastIndexOf('/');
    return { directory: this.#directory(slash < 0 ? '' : path.slice(0, slash)), name: path.slice(slash + 1) };
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function collect(directory: Directory, prefix: string, found: FoundFile[]): void {
  for (const [name, node] of directory.seen) {
    const path = `${prefix}/${name}`;
    if (node instanceof Inode) found.push({ path, inode: node });
    else collect(node, path, found);
  }
}
