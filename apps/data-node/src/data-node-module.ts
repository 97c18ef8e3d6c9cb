import type { Fatal } from '@holdfast/service';
import type { Node } from '@holdfast/store';
import { type DynamicModule, Module } from '@nestjs/common';
import { DataController } from './data-controller.ts';
import { StatusController } from './status-controller.ts';
import type { Refusals } from './refusals.ts';
import { FATAL, NODE, REFUSALS } from './tokens.ts';

/** What NestJS needs to know; the objects themselves are made in the composition root. */
@Module({})
export class DataNodeModule {
  static of(node: Node, fatal: Fatal, refusals: Refusals): DynamicModule {
    return {
      module: DataNodeModule,
      controllers: [DataController, StatusController],
      providers: [
        { provide: NODE, useValue: node },
        { provide: FATAL, useValue: fatal },
        { provide: REFUSALS, useValue: refusals },
      ],
    };
  }
}
