import { CommandBuilder } from './command.ts';

/** Empty builders that are kept. A turn fills one for each of its ranges that are written to. */
const KEPT_MAX = 4;
/** Memory of one that is kept, in bytes: larger commands are rare. */
const KEPT_BYTES_MAX = 256 * 1024;

/**
 * The builders of all ranges of a node. A command is copied out of its builder, so the next command of any range may
 * use the memory, which has grown by then to what commands here need.
 */
export class CommandBuilders {
  readonly #kept: CommandBuilder[] = [];

  take(): CommandBuilder {
    return this.#kept.pop() ?? new CommandBuilder();
  }

  /** @param builder finished, or never begun */
  giveBack(builder: CommandBuilder): void {
    if (this.#kept.length < KEPT_MAX && builder.capacity <= KEPT_BYTES_MAX) this.#kept.push(builder);
  }
}
