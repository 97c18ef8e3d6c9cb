/**
 * `node --import profile-preload.ts main.js`: an application that knows nothing of the benchmark is profiled by it.
 * Needs a channel of messages to the parent; without one it does nothing.
 */
import { isProfileRequest, Profiling } from './profiling.ts';

const profiling = new Profiling();
process.on('message', (message) => {
  if (isProfileRequest(message)) void profiling.handle(message);
});
// The application ends by itself, whether its parent still listens or not.
process.channel?.unref();
