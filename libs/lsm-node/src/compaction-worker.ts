/** The thread of `WorkerCompactor`. */
import { serveCompactions } from './serve-compactions.ts';

serveCompactions();
