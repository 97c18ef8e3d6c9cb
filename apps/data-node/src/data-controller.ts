import type { DataCall, Node } from '@holdfast/store';
import type { Fatal } from '@holdfast/service';
import { Controller, Inject } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { DATA_PATTERN } from './holdfast-transport.ts';
import { FATAL, NODE } from './tokens.ts';

/** Batches of operations from clients. No guard, pipe or interceptor: they would cost more than the work itself. */
@Controller()
export class DataController {
  readonly #node: Node;
  readonly #fatal: Fatal;

  constructor(@Inject(NODE) node: Node, @Inject(FATAL) fatal: Fatal) {
    this.#node = node;
    this.#fatal = fatal;
  }

  @MessagePattern(DATA_PATTERN)
  execute(call: DataCall): void {
    try {
      this.#node.execute(call);
    } catch (error) {
      // Only a broken invariant throws here, and the framework would swallow it.
      this.#fatal('a batch could not be executed', error);
    }
  }
}
