import { runApp } from '@holdfast/service';
import { settingsSchema } from './settings.ts';
import { startGateway } from './start-gateway.ts';

await runApp('gateway', settingsSchema, startGateway);
