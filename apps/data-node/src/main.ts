import { runApp } from '@holdfast/service';
import { settingsSchema } from './settings.ts';
import { startDataNode } from './start-data-node.ts';

await runApp('data-node', settingsSchema, startDataNode);
