import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Prng, randomChance, randomInteger } from '@holdfast/io';

/** What the messages between nodes go through. */
export interface RouterFaults {
  /** Chance that a message between nodes is lost. */
  loss: number;
  /** Longest delay of a message, milliseconds. */
  delayMsMax: number;
  /** Nodes on one side of a cut; empty when there is none. */
  side: ReadonlySet<string>;
}

interface Message {
  readonly src: string;
  readonly dest: string;
  readonly body: { readonly in_reply_to?: number; readonly [field: string]: unknown };
}

const program = join(import.meta.dirname, '..', 'node', 'main.ts');

/** Plays Maelstrom: starts nodes, carries their messages as badly as told, and asks them as a client does. */
export class Router {
  readonly faults: RouterFaults = { loss: 0, delayMsMax: 0, side: new Set() };
  readonly #nodes = new Map<string, ChildProcess>();
  readonly #random: Prng;
  readonly #waiting = new Map<number, (body: Message['body']) => void>();
  /** Messages that are on their way. */
  readonly #delayed = new Set<NodeJS.Timeout>();
  #messages = 0;
  /** Messages of nodes to nodes that arrived. */
  carried = 0;

  constructor(names: readonly string[], seed: number) {
    this.#random = new Prng(seed);
    for (const name of names) {
      const child = spawn(
        process.execPath,
        ['--conditions=source', '--disable-warning=ExperimentalWarning', program],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      );
      this.#nodes.set(name, child);
      createInterface({ input: child.stdout }).on('line', (line) => this.#route(JSON.parse(line) as Message));
    }
  }

  /** A request of a client; undefined when no answer came in time. */
  ask(dest: string, body: object, timeoutMs: number): Promise<Message['body'] | undefined> {
    const id = ++this.#messages;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        resolve(undefined);
      }, timeoutMs);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#deliver({ src: 'c1', dest, body: { ...body, msg_id: id } });
    });
  }

  /** Ends the nodes. What they still say to each other, and what is on its way to them, arrives nowhere. */
  async close(): Promise<void> {
    const children = [...this.#nodes.values()];
    this.#nodes.clear();
    for (const timer of this.#delayed) clearTimeout(timer);
    await Promise.all(
      children.map(
        (child) =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null) resolve();
            child.once('exit', () => resolve());
            child.stdin?.end();
          }),
      ),
    );
  }

  #route(message: Message): void {
    const { src, dest, body } = message;
    if (!this.#nodes.has(dest)) {
      const id = body.in_reply_to ?? 0;
      this.#waiting.get(id)?.(body);
      this.#waiting.delete(id);
      return;
    }
    const { loss, delayMsMax, side } = this.faults;
    if (side.has(src) !== side.has(dest) || (loss > 0 && randomChance(this.#random, loss))) return;
    this.carried++;
    const delayMs = randomInteger(this.#random, 0, delayMsMax);
    if (delayMs === 0) this.#deliver(message);
    else {
      const timer = setTimeout(() => {
        this.#delayed.delete(timer);
        this.#deliver(message);
      }, delayMs);
      this.#delayed.add(timer);
    }
  }

  #deliver(message: Message): void {
    this.#nodes.get(message.dest)?.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
