import { type NodeTarget, ProblemFilter } from '@holdfast/service';
import type { Logger } from '@holdfast/telemetry';
import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ClusterController } from './cluster-controller.ts';
import { NODE_TARGETS } from './tokens.ts';

/** What NestJS needs to know; the objects themselves are made in the composition root. */
@Module({})
export class AdminModule {
  static of(targets: readonly NodeTarget[], log: Logger): DynamicModule {
    return {
      module: AdminModule,
      controllers: [ClusterController],
      providers: [
        { provide: NODE_TARGETS, useValue: targets },
        { provide: APP_FILTER, useValue: new ProblemFilter(log) },
      ],
    };
  }
}
