import { join } from 'node:path';
import type { LoadReply, LoadRequest, LoadTarget, ProbeResult, RunResult } from './load/protocol.ts';
import { type Child, startChild } from './systems/child.ts';
import { nodeArguments } from './systems/node-command.ts';
import type { StartOptions } from './systems/system.ts';
import type { Point } from './workloads.ts';

/** The process that makes the load, seen from the benchmark. One request at a time. */
export class LoadGenerator {
  readonly child: Child;

  constructor(options: StartOptions) {
    this.child = startChild({
      name: 'load',
      command: process.execPath,
      args: [...nodeArguments(), join(import.meta.dirname, 'load', 'load.ts')],
      logFile: join(options.directory, 'load.log'),
      ipc: true,
    });
  }

  async prepare(target: LoadTarget, keys: number): Promise<void> {
    await this.#ask({ type: 'prepare', target, keys }, 'prepared');
  }

  /** @param measuring called when the warm-up is over. */
  async run(
    point: Point,
    seconds: { readonly warmUp: number; readonly measured: number },
    measuring: () => void,
  ): Promise<RunResult> {
    const request = {
      type: 'run',
      ...point,
      warmUpSeconds: seconds.warmUp,
      seconds: seconds.measured,
    } as const;
    return this.#ask(request, 'done', measuring);
  }

  async probe(everyMs: number, seconds: number, measuring: () => void): Promise<ProbeResult> {
    return this.#ask({ type: 'probe', everyMs, seconds }, 'probed', measuring);
  }

  async stop(): Promise<void> {
    const { process: load, exited } = this.child;
    if (load.connected) load.send({ type: 'end' } satisfies LoadRequest);
    await exited;
  }

  #ask<T extends LoadReply['type']>(
    request: LoadRequest,
    answer: T,
    measuring?: () => void,
  ): Promise<Extract<LoadReply, { readonly type: T }>> {
    const { process: load } = this.child;
    return new Promise((resolve, reject) => {
      void this.child.exited.then(() => {
        reject(new Error(`the load generator has ended:\n${this.child.output()}`));
      });
      const heard = (reply: LoadReply): void => {
        if (reply.type === 'measuring') {
          measuring?.();
          return;
        }
        load.off('message', heard);
        if (reply.type === answer) resolve(reply as Extract<LoadReply, { readonly type: T }>);
        else reject(new Error(reply.type === 'failed' ? reply.error : `${reply.type} instead of ${answer}`));
      };
      load.on('message', heard);
      if (load.connected) load.send(request);
    });
  }
}
