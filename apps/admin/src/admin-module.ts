import type { NodeTarget } from '@holdfast/service';
import type { Logger } from '@holdfast/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClusterController } from './cluster-controller.ts';
import { ProblemFilter } from './problem-filter.ts';
import { LOG, NODE_TARGETS } from './tokens.ts';

/** What NestJS needs to know; the objects themselves are made in the composition root. */
@Module({})
export class AdminModule {
  static of(targets: readonly NodeTarget[], log: Logger): DynamicModule {
    return {
      module: AdminModule,
      controllers: [ClusterController],
      providers: [
        { provide: NODE_TARGETS, useValue: targets },
        { provide: LOG, useValue: log },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
