import { addRequestIdHeader, httpEdgeOptions, type Running } from '@holdfast/service';
import { FrameworkLog, type Logger } from '@holdfast/telemetry';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AdminModule } from './admin-module.ts';
import type { Settings } from './settings.ts';

/** The composition root: makes every object of the process once, and starts it. */
export async function startAdmin({ nodes, httpHost, httpPort }: Settings, log: Logger): Promise<Running> {
  const targets = nodes.map(({ id, value }) => ({ id, url: value }));
  const adapter = new FastifyAdapter({ ...httpEdgeOptions(), skipMiddie: true });
  addRequestIdHeader(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(AdminModule.of(targets, log), adapter, {
    logger: new FrameworkLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  await app.listen(httpPort, httpHost);
  log.info({ http: `${httpHost}:${httpPort}` }, 'serving');
  return { stop: () => app.close() };
}
