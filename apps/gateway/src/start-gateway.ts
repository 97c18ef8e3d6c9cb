import type { Running } from '@holdfast/service';
import type { Logger } from '@holdfast/telemetry';
import { openGateway } from './open-gateway.ts';
import type { Settings } from './settings.ts';

/** A gateway that serves HTTP by itself. */
export async function startGateway(settings: Settings, log: Logger): Promise<Running> {
  const { httpHost, httpPort, seeds, auth } = settings;
  const gateway = await openGateway(settings, log);
  await gateway.app.listen(httpPort, httpHost);
  log.info({ http: `${httpHost}:${httpPort}`, seeds, auth }, 'serving');
  return { stop: () => gateway.close() };
}
