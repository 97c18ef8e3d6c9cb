import { runApp } from '@holdfast/service';
import { settingsSchema } from './settings.ts';
import { startAdmin } from './start-admin.ts';

await runApp('admin', settingsSchema, startAdmin);
