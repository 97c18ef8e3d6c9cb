import { nodeId, Prng } from '@holdfast/io';
import {
  FileDisk,
  LogWriter,
  nodeKernels,
  SystemClock,
  systemRandomSeed,
  TcpNetwork,
} from '@holdfast/io-node';
import { nodeCodecs, WorkerCompactor } from '@holdfast/lsm-node';
import type { NodeOptions } from '@holdfast/store';
import { addRequestIdHeader, type Fatal, httpEdgeOptions, type Running, tlsOf } from '@holdfast/service';
import { FrameworkLog, type Logger } from '@holdfast/telemetry';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataNodeModule } from './data-node-module.ts';
import { HoldfastTransport } from './holdfast-transport.ts';
import { logNode } from './node-log.ts';
import { VERSION } from './node-report.ts';
import { Refusals } from './refusals.ts';
import type { Settings } from './settings.ts';

/** The composition root: makes every object of the process once, and starts it. */
export async function startDataNode(settings: Settings, log: Logger, fatal: Fatal): Promise<Running> {
  const members = settings.members.map(({ id, value }) => ({ id: nodeId(id), address: value }));
  const self = nodeId(settings.nodeId);
  const address = settings.address ?? members.find(({ id }) => id === self)?.address;
  if (address === undefined) throw new Error('this node is not among the members and has no address');
  // The log has a thread of its own, so that its syncs stand behind nobody else's work; so has compaction.
  const logWriter = new LogWriter();
  const compactor = new WorkerCompactor();
  const clock = new SystemClock();
  const refusals = new Refusals();
  const transport = await HoldfastTransport.open(
    {
      disk: new FileDisk(logWriter),
      network: networkOf(settings, log, refusals),
      clock,
      tree: { compactor, clock, options: treeOptions(settings) },
      random: new Prng(systemRandomSeed()),
      kernels: nodeKernels,
      directory: settings.dataDirectory,
      clusterId: settings.clusterId,
      nodeId: self,
      address,
      members,
      join: settings.join,
      settings: { leaders: settings.leaders },
      ...(settings.nodeToken === undefined ? {} : { tokens: settings.nodeToken }),
      observer: logNode(log, fatal, refusals),
      agent: `holdfast-data-node/${VERSION}`,
    },
    settings.drainMs,
  );

  const adapter = new FastifyAdapter({ ...httpEdgeOptions(), skipMiddie: true });
  addRequestIdHeader(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(
    DataNodeModule.of(transport.node, fatal, refusals),
    adapter,
    { logger: new FrameworkLog(log), bodyParser: false, abortOnError: false },
  );
  app.connectMicroservice({ strategy: transport });
  await app.startAllMicroservices();
  await app.listen(settings.httpPort, settings.httpHost);
  log.info(
    { node: self, address: transport.node.address, http: `${settings.httpHost}:${settings.httpPort}` },
    'serving',
  );
  return {
    async stop() {
      await transport.close();
      await app.close();
      await compactor.close();
      await logWriter.close();
    },
  };
}

function networkOf(settings: Settings, log: Logger, refusals: Refusals): TcpNetwork {
  const tls = tlsOf(settings);
  if (tls === undefined) return new TcpNetwork();
  return new TcpNetwork({
    tls,
    onTlsRefused(remoteAddress, { message }) {
      refusals.count('tls');
      log.warn({ remoteAddress, reason: message }, 'refused a connection without a valid certificate');
    },
  });
}

function treeOptions(settings: Settings): NonNullable<NodeOptions['tree']>['options'] {
  const { compression, compactionBytesPerSecond, diskReserveBytes: reserveBytes } = settings;
  return { codecs: nodeCodecs, compression, compactionBytesPerSecond, reserveBytes };
}
